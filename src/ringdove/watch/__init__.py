"""What an operator sees of a running server: its numbers (Prometheus), and the SIP messages of its calls.

Looks on and changes nothing: what is seen here comes from parts that do not know this room, by the bus, by observers of
the endpoint, or by asking them when somebody looks.
"""
