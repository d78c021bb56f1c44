"""SIP without I/O: URIs, headers, messages, parser, digest, transactions, dialogs, SDP (RFC 3261 and friends).

Nothing here opens a socket, sleeps or reads a clock; time is passed in.
"""
