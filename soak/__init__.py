"""`make soak`: ten minutes of a busy house on a lossy network, then a look at what is left of it.

A server process over loopback, simulated phones that behave as people do, and an account of every call by both sides.
"""
