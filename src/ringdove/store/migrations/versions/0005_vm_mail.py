"""Mails about messages that are owed.

Revision ID: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table: nobody is told of messages that are there already."""
    op.create_table(
        "vm_mail",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("extension_id", sa.Integer(), nullable=False),
        sa.Column("since", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_vm_mail"),
        sa.ForeignKeyConstraint(["message_id"], ["vm_message.id"], name="fk_vm_mail_message_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["extension_id"], ["extension.id"], name="fk_vm_mail_extension_id", ondelete="CASCADE"),
        sqlite_autoincrement=True,
        comment="Who is still to be told of which message by e-mail.",
    )
    for name in ("message_id", "extension_id"):
        op.create_index(f"ix_vm_mail_{name}", "vm_mail", [name], unique=False)
