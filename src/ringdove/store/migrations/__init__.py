"""The history of the tables, for Alembic.

Each file in `versions` is one step, never edited after a release.
"""
