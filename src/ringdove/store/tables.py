"""The tables. Their history is in `migrations`; a test holds both equal."""

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    true,
)


class Word(TypeDecorator[str]):
    """A member of a StrEnum by its value; some drivers would write its name."""

    impl = String(32)
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: object) -> str | None:
        """Return the plain text."""
        return None if value is None else str(value)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

number_plan = Table(
    "number_plan",
    metadata,
    Column("number", String(7), primary_key=True),
    Column("kind", Word, nullable=False),
    Column("object_id", Integer, nullable=False),
    UniqueConstraint("kind", "object_id"),
    comment="Everything that can be dialled. The primary key is what makes a clash impossible.",
)

extension = Table(
    "extension",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", String(7), nullable=False, unique=True),
    Column("first_name", String(63), nullable=False),
    Column("last_name", String(63), nullable=False),
    Column("caller_id_name", String(127), nullable=False),
    Column("caller_id", String(31), nullable=False),
    Column("email_addr", String(254), unique=True),
    Column("mobile_number", String(31)),
    Column("reg_name", String(63), nullable=False, unique=True),
    Column("reg_password", String(63), nullable=False),
    Column("user_password_hash", String(255)),
    Column("concurrent_registrations", Integer, nullable=False),
    Column("presence_status", Word, nullable=False),
    Column("enb_call_waiting", Boolean, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("ring_timeout", Integer, nullable=False),
    Column("enb_vm", Boolean, nullable=False, server_default=false()),
    Column("enb_vm_pin", Boolean, nullable=False, server_default=false()),
    Column("vm_pin", String(15)),
    Column("new_vm_notify", Word, nullable=False, server_default="no"),
    Column("after_vm_notify", Word, nullable=False, server_default="no"),
    Column("enb_vm_play_datetime", Boolean, nullable=False, server_default=true()),
    Column("enb_vm_play_caller_id", Boolean, nullable=False, server_default=true()),
    Column("enb_vm_play_duration", Boolean, nullable=False, server_default=false()),
    Column("vm_greeting", String(127), nullable=False, server_default="follow_system"),
    sqlite_autoincrement=True,
)

extension_group = Table(
    "extension_group",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(127), nullable=False, unique=True),
    Column("member_select", Word, nullable=False),
    Column("builtin", Boolean, nullable=False),
    sqlite_autoincrement=True,
)

extension_group_member = Table(
    "extension_group_member",
    metadata,
    Column("group_id", ForeignKey("extension_group.id", ondelete="CASCADE"), primary_key=True),
    Column("extension_id", ForeignKey("extension.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("position", Integer, nullable=False),
)

ring_group = Table(
    "ring_group",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", String(7), nullable=False, unique=True),
    Column("name", String(127), nullable=False),
    Column("ring_strategy", Word, nullable=False),
    Column("ring_timeout", Integer),
    Column("join_prompt", String(127), nullable=False),
    Column("play_full_join_prompt", Boolean, nullable=False),
    Column("welcome_prompt", String(127), nullable=False),
    Column("moh", String(127), nullable=False),
    Column("alert_info", String(31), nullable=False),
    Column("client_unique_ringtone", String(127), nullable=False),
    Column("fail_dest", Word, nullable=False),
    Column("fail_dest_prefix", String(7)),
    Column("fail_dest_value", String(127), nullable=False),
    Column("no_agent_online_dest", Word),
    Column("no_agent_online_prefix", String(7)),
    Column("no_agent_online_value", String(127), nullable=False),
    Column("enb_miss_call", Boolean, nullable=False),
    sqlite_autoincrement=True,
)

ring_group_entry = Table(
    "ring_group_entry",
    metadata,
    Column("group_id", ForeignKey("ring_group.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("delay_time", Integer, nullable=False),
    Column("timeout", Integer, nullable=False),
)

ring_group_member = Table(
    "ring_group_member",
    metadata,
    Column("group_id", Integer, primary_key=True),
    Column("entry", Integer, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("extension_id", ForeignKey("extension.id", ondelete="CASCADE"), index=True),
    Column("extension_group_id", ForeignKey("extension_group.id", ondelete="CASCADE"), index=True),
    ForeignKeyConstraint(
        ["group_id", "entry"], ["ring_group_entry.group_id", "ring_group_entry.position"], ondelete="CASCADE"
    ),
    CheckConstraint("(extension_id IS NULL) <> (extension_group_id IS NULL)", name="one_of_both"),
)

prompt = Table(
    "prompt",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("file", String(127), nullable=False, unique=True),
    Column("digest", String(64), nullable=False),
    Column("seconds", Float, nullable=False),
    Column("size", Integer, nullable=False),
    Column("uploaded_at", Float, nullable=False),
    sqlite_autoincrement=True,
    comment="Here and below: digest is the SHA-256 of the content, under which the library keeps it.",
)

ringtone = Table(
    "ringtone",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("file", String(127), nullable=False, unique=True),
    Column("digest", String(64), nullable=False),
    Column("seconds", Float, nullable=False),
    Column("size", Integer, nullable=False),
    Column("type", Word, nullable=False),
    sqlite_autoincrement=True,
)

playlist = Table(
    "playlist",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("list_name", String(63), nullable=False, unique=True),
    Column("play_order", Word, nullable=False),
    Column("builtin", Boolean, nullable=False),
    sqlite_autoincrement=True,
)

playlist_file = Table(
    "playlist_file",
    metadata,
    Column("playlist_id", ForeignKey("playlist.id", ondelete="CASCADE"), primary_key=True),
    Column("file", String(127), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("seconds", Float, nullable=False),
    Column("size", Integer, nullable=False),
)

binding = Table(
    "binding",
    metadata,
    Column("extension_id", ForeignKey("extension.id", ondelete="CASCADE"), primary_key=True),
    Column("key", String(1024), primary_key=True),
    Column("contact", Text, nullable=False),
    Column("instance_id", Text),
    Column("reg_id", Integer),
    Column("call_id", Text, nullable=False),
    Column("cseq", Integer, nullable=False),
    Column("path", JSON, nullable=False),
    Column("transport", String(8), nullable=False),
    Column("remote_host", String(255), nullable=False),
    Column("remote_port", Integer, nullable=False),
    Column("local_host", String(255), nullable=False),
    Column("local_port", Integer, nullable=False),
    Column("user_agent", Text, nullable=False),
    Column("q", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("registered_at", Float, nullable=False),
)

vm_message = Table(
    "vm_message",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("mailbox_kind", Word, nullable=False),
    Column("mailbox_id", Integer, nullable=False),
    Column("recording", String(128), nullable=False),
    Column("caller_number", Text, nullable=False),
    Column("caller_name", Text, nullable=False),
    Column("time", Float, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("digest", String(64), nullable=False, index=True),
    Column("size", Integer, nullable=False),
    Column("call_id", String(128), nullable=False),
    Column("read", Boolean, nullable=False),
    UniqueConstraint("recording", "mailbox_kind", "mailbox_id"),
    Index("ix_vm_message_mailbox", "mailbox_kind", "mailbox_id", "time"),
    sqlite_autoincrement=True,
    comment="A recording is in a mailbox at most once, so that it can be delivered again after a crash.",
)

vm_mail = Table(
    "vm_mail",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("message_id", ForeignKey("vm_message.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("extension_id", ForeignKey("extension.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("since", Float, nullable=False),
    sqlite_autoincrement=True,
    comment="Who is still to be told of which message by e-mail.",
)

vm_group = Table(
    "vm_group",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", String(7), nullable=False, unique=True),
    Column("name", String(127), nullable=False),
    Column("mode", Word, nullable=False),
    Column("enb_vm_pin", Boolean, nullable=False),
    Column("vm_pin", String(15)),
    Column("vm_greeting", String(127), nullable=False),
    sqlite_autoincrement=True,
)

vm_group_member = Table(
    "vm_group_member",
    metadata,
    Column("group_id", ForeignKey("vm_group.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("extension_id", ForeignKey("extension.id", ondelete="CASCADE"), index=True),
    Column("extension_group_id", ForeignKey("extension_group.id", ondelete="CASCADE"), index=True),
    CheckConstraint("(extension_id IS NULL) <> (extension_group_id IS NULL)", name="one_of_both"),
)

vm_greeting = Table(
    "vm_greeting",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("mailbox_kind", Word, nullable=False),
    Column("mailbox_id", Integer, nullable=False),
    Column("file", String(127), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("seconds", Float, nullable=False),
    Column("size", Integer, nullable=False),
    Column("uploaded_at", Float, nullable=False),
    UniqueConstraint("mailbox_kind", "mailbox_id", "file"),
    sqlite_autoincrement=True,
)

options = Table(
    "options",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("enb_transfer_to_voicemail", Boolean, nullable=False),
    CheckConstraint("id = 1", name="only_one"),
    comment="Switches of the whole system, in one row.",
)

call = Table(
    "call",
    metadata,
    Column("id", String(128), primary_key=True),
    Column("started_at", Float, nullable=False, index=True),
    Column("node", String(64), index=True),
    Column("caller", Text, nullable=False, index=True),
    Column("dialled", Text, nullable=False, index=True),
    Column("disposition", Word, index=True),
    Column("answered_by", Text),
    Column("story", Text, nullable=False),
    comment="One row per call. story is all of it as JSON, the rest finds it; node runs it, null when it is over.",
)

call_object = Table(
    "call_object",
    metadata,
    Column("call_id", ForeignKey("call.id", ondelete="CASCADE"), primary_key=True),
    Column("kind", Word, primary_key=True),
    Column("object_id", Integer, primary_key=True),
    Column("direction", Word),
    Column("result", Word),
    Index("ix_call_object_kind", "kind", "object_id"),
    comment="The extensions and ring groups that took part in a call; how it stands in an extension's log, if it does.",
)

application = Table(
    "application",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(31), nullable=False, unique=True),
    Column("client_id", String(127), nullable=False, unique=True),
    Column("secret_hash", String(255), nullable=False),
    sqlite_autoincrement=True,
)

token = Table(
    "token",
    metadata,
    Column("access_hash", String(64), primary_key=True),
    Column("access_expires_at", Float, nullable=False),
    Column("refresh_hash", String(64), nullable=False, unique=True),
    Column("refresh_expires_at", Float, nullable=False),
    Column("application_id", ForeignKey("application.id", ondelete="CASCADE"), nullable=False, index=True),
)
