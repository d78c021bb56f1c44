"""Asyncio shells round sip/: UDP, TCP and TLS, one timer, name look-up; `endpoint.py` is the face the server uses.

No SIP rule lives here that could live in sip/, and nothing here knows of calls, phones or settings.
"""
