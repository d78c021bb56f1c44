"""How long and how big a packet of a kept sound is. The media process imports this, so it imports nothing."""

FRAME_SECONDS = 0.02
FRAME_BYTES = 160
"""20 ms at 64 kbit/s; RTP time stamps go up by as many (8 kHz for G.722 too, RFC 3551 §4.5.2)."""
