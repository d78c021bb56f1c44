"""A world in simulated time: a clock that jumps, a network that misbehaves, phones on it, and the real server in it.

Everything is decided by one seed. The loop's clock moves only when nobody has anything left to do at this moment, so
that hours pass in milliseconds and whatever the server does at a time is seen at exactly that time.
"""
