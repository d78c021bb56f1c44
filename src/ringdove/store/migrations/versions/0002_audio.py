"""Prompts, playlists and ring tones. Names of audio in ring groups stay as they are, also where there is none such.

Revision ID: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

Word = sa.String(length=32)


def upgrade() -> None:
    """Create the tables, and keep the ids 1 to 11 for the built-in ring tones."""
    op.create_table(
        "prompt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("file", sa.String(length=127), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("uploaded_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_prompt"),
        sa.UniqueConstraint("file", name="uq_prompt_file"),
        sqlite_autoincrement=True,
        comment="Here and below: digest is the SHA-256 of the content, under which the library keeps it.",
    )
    op.create_table(
        "ringtone",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("file", sa.String(length=127), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("type", Word, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ringtone"),
        sa.UniqueConstraint("file", name="uq_ringtone_file"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "playlist",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("list_name", sa.String(length=63), nullable=False),
        sa.Column("play_order", Word, nullable=False),
        sa.Column("builtin", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_playlist"),
        sa.UniqueConstraint("list_name", name="uq_playlist_list_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "playlist_file",
        sa.Column("playlist_id", sa.Integer(), nullable=False),
        sa.Column("file", sa.String(length=127), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["playlist_id"], ["playlist.id"], name="fk_playlist_file_playlist_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("playlist_id", "file", name="pk_playlist_file"),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER SEQUENCE ringtone_id_seq RESTART WITH 12")
    else:
        op.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('ringtone', 11)")
