"""The first tables, and the extension group that holds everybody.

Revision ID: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

Word = sa.String(length=32)


def upgrade() -> None:
    """Create everything."""
    op.create_table(
        "application",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=31), nullable=False),
        sa.Column("client_id", sa.String(length=127), nullable=False),
        sa.Column("secret_hash", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_application"),
        sa.UniqueConstraint("client_id", name="uq_application_client_id"),
        sa.UniqueConstraint("name", name="uq_application_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "call",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("started_at", sa.Float(), nullable=False),
        sa.Column("node", sa.String(length=64), nullable=True),
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("dialled", sa.Text(), nullable=False),
        sa.Column("disposition", Word, nullable=True),
        sa.Column("answered_by", sa.Text(), nullable=True),
        sa.Column("story", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_call"),
        comment="One row per call. story is all of it as JSON, the rest finds it; node runs it, null when it is over.",
    )
    op.create_index("ix_call_caller", "call", ["caller"], unique=False)
    op.create_index("ix_call_dialled", "call", ["dialled"], unique=False)
    op.create_index("ix_call_disposition", "call", ["disposition"], unique=False)
    op.create_index("ix_call_node", "call", ["node"], unique=False)
    op.create_index("ix_call_started_at", "call", ["started_at"], unique=False)
    op.create_table(
        "extension",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=7), nullable=False),
        sa.Column("first_name", sa.String(length=63), nullable=False),
        sa.Column("last_name", sa.String(length=63), nullable=False),
        sa.Column("caller_id_name", sa.String(length=127), nullable=False),
        sa.Column("caller_id", sa.String(length=31), nullable=False),
        sa.Column("email_addr", sa.String(length=254), nullable=True),
        sa.Column("mobile_number", sa.String(length=31), nullable=True),
        sa.Column("reg_name", sa.String(length=63), nullable=False),
        sa.Column("reg_password", sa.String(length=63), nullable=False),
        sa.Column("user_password_hash", sa.String(length=255), nullable=True),
        sa.Column("concurrent_registrations", sa.Integer(), nullable=False),
        sa.Column("presence_status", Word, nullable=False),
        sa.Column("enb_call_waiting", sa.Boolean(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("ring_timeout", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_extension"),
        sa.UniqueConstraint("email_addr", name="uq_extension_email_addr"),
        sa.UniqueConstraint("number", name="uq_extension_number"),
        sa.UniqueConstraint("reg_name", name="uq_extension_reg_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "extension_group",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=127), nullable=False),
        sa.Column("member_select", Word, nullable=False),
        sa.Column("builtin", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_extension_group"),
        sa.UniqueConstraint("name", name="uq_extension_group_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "number_plan",
        sa.Column("number", sa.String(length=7), nullable=False),
        sa.Column("kind", Word, nullable=False),
        sa.Column("object_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_number_plan"),
        sa.UniqueConstraint("kind", "object_id", name="uq_number_plan_kind"),
        comment="Everything that can be dialled. The primary key is what makes a clash impossible.",
    )
    op.create_table(
        "ring_group",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=7), nullable=False),
        sa.Column("name", sa.String(length=127), nullable=False),
        sa.Column("ring_strategy", Word, nullable=False),
        sa.Column("ring_timeout", sa.Integer(), nullable=True),
        sa.Column("join_prompt", sa.String(length=127), nullable=False),
        sa.Column("play_full_join_prompt", sa.Boolean(), nullable=False),
        sa.Column("welcome_prompt", sa.String(length=127), nullable=False),
        sa.Column("moh", sa.String(length=127), nullable=False),
        sa.Column("alert_info", sa.String(length=31), nullable=False),
        sa.Column("client_unique_ringtone", sa.String(length=127), nullable=False),
        sa.Column("fail_dest", Word, nullable=False),
        sa.Column("fail_dest_prefix", sa.String(length=7), nullable=True),
        sa.Column("fail_dest_value", sa.String(length=127), nullable=False),
        sa.Column("no_agent_online_dest", Word, nullable=True),
        sa.Column("no_agent_online_prefix", sa.String(length=7), nullable=True),
        sa.Column("no_agent_online_value", sa.String(length=127), nullable=False),
        sa.Column("enb_miss_call", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ring_group"),
        sa.UniqueConstraint("number", name="uq_ring_group_number"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "binding",
        sa.Column("extension_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=1024), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("instance_id", sa.Text(), nullable=True),
        sa.Column("reg_id", sa.Integer(), nullable=True),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("cseq", sa.Integer(), nullable=False),
        sa.Column("path", sa.JSON(), nullable=False),
        sa.Column("transport", sa.String(length=8), nullable=False),
        sa.Column("remote_host", sa.String(length=255), nullable=False),
        sa.Column("remote_port", sa.Integer(), nullable=False),
        sa.Column("local_host", sa.String(length=255), nullable=False),
        sa.Column("local_port", sa.Integer(), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.Column("q", sa.Float(), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=False),
        sa.Column("registered_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["extension_id"], ["extension.id"], name="fk_binding_extension_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("extension_id", "key", name="pk_binding"),
    )
    op.create_table(
        "call_object",
        sa.Column("call_id", sa.String(length=128), nullable=False),
        sa.Column("kind", Word, nullable=False),
        sa.Column("object_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name="fk_call_object_call_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("call_id", "kind", "object_id", name="pk_call_object"),
        comment="The extensions and ring groups that took part in a call.",
    )
    op.create_index("ix_call_object_kind", "call_object", ["kind", "object_id"], unique=False)
    op.create_table(
        "extension_group_member",
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("extension_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["extension_id"], ["extension.id"], name="fk_extension_group_member_extension_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["group_id"], ["extension_group.id"], name="fk_extension_group_member_group_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("group_id", "extension_id", name="pk_extension_group_member"),
    )
    op.create_index("ix_extension_group_member_extension_id", "extension_group_member", ["extension_id"], unique=False)
    op.create_table(
        "ring_group_entry",
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("delay_time", sa.Integer(), nullable=False),
        sa.Column("timeout", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["ring_group.id"], name="fk_ring_group_entry_group_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("group_id", "position", name="pk_ring_group_entry"),
    )
    op.create_table(
        "token",
        sa.Column("access_hash", sa.String(length=64), nullable=False),
        sa.Column("access_expires_at", sa.Float(), nullable=False),
        sa.Column("refresh_hash", sa.String(length=64), nullable=False),
        sa.Column("refresh_expires_at", sa.Float(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name="fk_token_application_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("access_hash", name="pk_token"),
        sa.UniqueConstraint("refresh_hash", name="uq_token_refresh_hash"),
    )
    op.create_index("ix_token_application_id", "token", ["application_id"], unique=False)
    op.create_table(
        "ring_group_member",
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("entry", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("extension_id", sa.Integer(), nullable=True),
        sa.Column("extension_group_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(extension_id IS NULL) <> (extension_group_id IS NULL)", name="ck_ring_group_member_one_of_both"
        ),
        sa.ForeignKeyConstraint(
            ["extension_group_id"],
            ["extension_group.id"],
            name="fk_ring_group_member_extension_group_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["extension_id"], ["extension.id"], name="fk_ring_group_member_extension_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["group_id", "entry"],
            ["ring_group_entry.group_id", "ring_group_entry.position"],
            name="fk_ring_group_member_group_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("group_id", "entry", "position", name="pk_ring_group_member"),
    )
    op.create_index(
        "ix_ring_group_member_extension_group_id", "ring_group_member", ["extension_group_id"], unique=False
    )
    op.create_index("ix_ring_group_member_extension_id", "ring_group_member", ["extension_id"], unique=False)
    groups = sa.table(
        "extension_group", sa.column("name"), sa.column("member_select"), sa.column("builtin", sa.Boolean())
    )
    op.bulk_insert(groups, [{"name": "Default_All_Extensions", "member_select": "sel_all_ext", "builtin": True}])
