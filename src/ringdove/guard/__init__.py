"""Who may knock: failed logins and what they lead to, and what strangers may cost. No I/O; the time is passed in.

Nothing of SIP or HTTP is known here, so that both doors of the server are kept by the same rules (ADR 0016).
"""
