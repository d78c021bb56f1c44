"""How a call stands in the log of each extension that took part; worked out for the calls that are over.

Revision ID: 0004
"""

import sqlalchemy as sa
from alembic import op

from ringdove.model.call_log import lines
from ringdove.model.story import Story

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

Word = sa.String(length=32)
AT_ONCE = 500

call = sa.table("call", sa.column("id"), sa.column("node"), sa.column("story"))
call_object = sa.table(
    "call_object",
    *(sa.column(name) for name in ("call_id", "kind", "object_id", "direction", "result")),
)


def upgrade() -> None:
    """Add the columns and fill them, some calls at a time."""
    op.add_column("call_object", sa.Column("direction", Word, nullable=True))
    op.add_column("call_object", sa.Column("result", Word, nullable=True))
    conn = op.get_bind()
    over = sa.select(call.c.id, call.c.story).where(call.c.node.is_(None)).order_by(call.c.id).limit(AT_ONCE)
    fill = (
        sa.update(call_object)
        .where(
            call_object.c.call_id == sa.bindparam("of_call"),
            call_object.c.kind == "extension",
            call_object.c.object_id == sa.bindparam("of_extension"),
        )
        .values(direction=sa.bindparam("to_direction"), result=sa.bindparam("to_result"))
    )
    last = ""
    while rows := conn.execute(over.where(call.c.id > last)).all():
        last = rows[-1].id
        told = [
            {"of_call": id_, "of_extension": extension, "to_direction": str(way), "to_result": str(result)}
            for id_, story in rows
            for extension, (way, result) in lines(Story.from_json(story)).items()
        ]
        if told:
            conn.execute(fill, told)
