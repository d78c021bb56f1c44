"""`ringdove demo`: sample data, simulated phones over real sockets, and a show of what they hear.

No rules live here.
"""
