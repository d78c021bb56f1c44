"""Media engines behind one interface (`engine`): sessions, ports, codecs, audio. `embedded/` is our own child process.

Nothing here knows SIP messages, calls, routing or storage; of `sip` only session descriptions are used.
"""
