"""What an administrator configures, what a call leaves behind, and the rules of both, as pydantic models.

No I/O, no SQL, no HTTP: the same rules hold for the API, the store, the demo and the tests.
"""
