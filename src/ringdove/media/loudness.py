"""What counts as loud: the same while a recording runs and when its end is cut. The media process imports this, so it
imports nothing.
"""

LOUD = 256
"""Samples of 16 bits are loud from here on, and below its negative: what upper octets tell."""
SHARE = 1 / 8
"""20 ms are loud of which more than this is. Speech and noise of a mean of about 130, without regard to sign, just get
there, whereas a tap on the table does not. Loud twice in a row is speech.
"""
