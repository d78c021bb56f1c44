"""Running calls: from the number dialled, through destinations that ring people, to the talk and the record.

A call is one coroutine (`journey.py`) that reads top to bottom. How a dialog works is in `leg.py`; parsing and
transactions are not done here.
"""
