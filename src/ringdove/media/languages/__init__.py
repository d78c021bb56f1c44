"""The languages that callers are spoken to in, a folder for each, and what each has to be able to say.

A language is a table of texts (`texts.toml`), the texts spoken (`tracks/`, made by `make speech`), and how sentences
are built of them: a module as `grammar` has it. Only `media.speech` looks in here.
"""
