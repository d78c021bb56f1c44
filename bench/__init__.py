"""`make bench`: what calls cost, on this machine, next to a floor that was measured in the same run.

Loads a server process over loopback and reads its CPU clock from outside; nothing of the server runs in here.
"""
