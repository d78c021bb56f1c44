"""The ring group as pure rules: who may ring, from when to when, and what each event does (R1 to R12).

No I/O, no clock of its own, nothing of SIP: the engine takes events with their time and returns actions.
"""
