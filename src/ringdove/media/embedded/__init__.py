"""Our own media engine: `engine`, `session`, `party`, `conversion`, `ports` and `child` run here; `relay` and below
in a child process.

The child is told what to do by `wire` messages and knows neither calls nor SDP. What it imports, it pays for in memory.
"""
