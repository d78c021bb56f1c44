"""What a server on the internet meets, bounded and on loopback only: `python -m attack --help`.

`floods.py` says what is sent, `sender.py` sends it from a process of its own, `siege.py` sees what it does to a server
and to the calls of others. The list of attacks and their tests is in docs/security.md.
"""
