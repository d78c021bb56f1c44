"""Voicemail: messages, greetings, group voicemails; switches of the whole system.

Extensions that were there before have mailboxes, too, but direct calls do not go there until somebody says so.

Revision ID: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

Word = sa.String(length=32)


def upgrade() -> None:
    """Create the tables, and give the extensions what they need."""
    for column in (
        sa.Column("enb_vm", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("enb_vm_pin", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("vm_pin", sa.String(length=15), nullable=True),
        sa.Column("new_vm_notify", Word, nullable=False, server_default="no"),
        sa.Column("after_vm_notify", Word, nullable=False, server_default="no"),
        sa.Column("enb_vm_play_datetime", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("enb_vm_play_caller_id", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("enb_vm_play_duration", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("vm_greeting", sa.String(length=127), nullable=False, server_default="follow_system"),
    ):
        op.add_column("extension", column)
    op.create_table(
        "vm_message",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mailbox_kind", Word, nullable=False),
        sa.Column("mailbox_id", sa.Integer(), nullable=False),
        sa.Column("recording", sa.String(length=128), nullable=False),
        sa.Column("caller_number", sa.Text(), nullable=False),
        sa.Column("caller_name", sa.Text(), nullable=False),
        sa.Column("time", sa.Float(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.String(length=128), nullable=False),
        sa.Column("read", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_vm_message"),
        sa.UniqueConstraint("recording", "mailbox_kind", "mailbox_id", name="uq_vm_message_recording"),
        sqlite_autoincrement=True,
        comment="A recording is in a mailbox at most once, so that it can be delivered again after a crash.",
    )
    op.create_index("ix_vm_message_digest", "vm_message", ["digest"], unique=False)
    op.create_index("ix_vm_message_mailbox", "vm_message", ["mailbox_kind", "mailbox_id", "time"], unique=False)
    op.create_table(
        "vm_group",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=7), nullable=False),
        sa.Column("name", sa.String(length=127), nullable=False),
        sa.Column("mode", Word, nullable=False),
        sa.Column("enb_vm_pin", sa.Boolean(), nullable=False),
        sa.Column("vm_pin", sa.String(length=15), nullable=True),
        sa.Column("vm_greeting", sa.String(length=127), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_vm_group"),
        sa.UniqueConstraint("number", name="uq_vm_group_number"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "vm_group_member",
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("extension_id", sa.Integer(), nullable=True),
        sa.Column("extension_group_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(extension_id IS NULL) <> (extension_group_id IS NULL)", name="ck_vm_group_member_one_of_both"
        ),
        sa.ForeignKeyConstraint(
            ["extension_group_id"],
            ["extension_group.id"],
            name="fk_vm_group_member_extension_group_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["extension_id"], ["extension.id"], name="fk_vm_group_member_extension_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["group_id"], ["vm_group.id"], name="fk_vm_group_member_group_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("group_id", "position", name="pk_vm_group_member"),
    )
    for name in ("extension_id", "extension_group_id"):
        op.create_index(f"ix_vm_group_member_{name}", "vm_group_member", [name], unique=False)
    op.create_table(
        "vm_greeting",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mailbox_kind", Word, nullable=False),
        sa.Column("mailbox_id", sa.Integer(), nullable=False),
        sa.Column("file", sa.String(length=127), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("uploaded_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_vm_greeting"),
        sa.UniqueConstraint("mailbox_kind", "mailbox_id", "file", name="uq_vm_greeting_mailbox_kind"),
        sqlite_autoincrement=True,
    )
    options = op.create_table(
        "options",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("enb_transfer_to_voicemail", sa.Boolean(), nullable=False),
        sa.CheckConstraint("id = 1", name="ck_options_only_one"),
        sa.PrimaryKeyConstraint("id", name="pk_options"),
        comment="Switches of the whole system, in one row.",
    )
    op.bulk_insert(options, [{"id": 1, "enb_transfer_to_voicemail": False}])
