"""How lines of the log look, and what is left out."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from ringdove.cli.logs import configure
from ringdove.settings import LogFormat, LogLevel


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before, handlers, level = structlog.get_config(), logging.root.handlers[:], logging.root.level
    yield
    structlog.configure(**before)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def said(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_line_is_json_with_what_is_bound_for_a_collector() -> None:
    out = io.StringIO()
    configure(out=out)
    with structlog.contextvars.bound_contextvars(call="1.2"):
        structlog.get_logger().info("call_began", caller="2001")
    (line,) = said(out)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "call_began", "level": "info", "call": "1.2", "caller": "2001"}


def test_a_person_at_a_terminal_gets_text_unless_json_is_asked_for() -> None:
    out = Terminal()
    configure(out=out)
    structlog.get_logger().info("call_began")
    assert "call_began" in out.getvalue()
    assert not out.getvalue().startswith("{")
    out = Terminal()
    configure(form=LogFormat.JSON, out=out)
    structlog.get_logger().info("call_began")
    assert [line["event"] for line in said(out)] == ["call_began"]


def test_a_person_reads_the_values_in_their_order_and_each_leg_on_a_line_of_its_own() -> None:
    out = io.StringIO()
    configure(form=LogFormat.CONSOLE, out=out)
    legs = [{"leg": "leg1", "result": "answered elsewhere"}, {"leg": "leg2", "ok": 1.5}]
    structlog.get_logger().info("call_over", status=200, legs=legs, ended=4.5)
    first, *others = out.getvalue().splitlines()
    assert first.endswith("call_over status=200 ended=4.5")
    assert others == ["    leg=leg1 result='answered elsewhere'", "    leg=leg2 ok=1.5"]


def test_what_phones_write_gives_a_terminal_no_orders() -> None:
    out = io.StringIO()
    configure(form=LogFormat.CONSOLE, out=out)
    structlog.get_logger().info("call_over", dialled="\x1b[2J", legs=[{"number": "\x1b[2J"}, "\x9b2J"], caller="1\n2")
    assert not {"\x1b", "\x9b"} & set(out.getvalue())
    assert len(out.getvalue().splitlines()) == 3


def test_text_without_colours_can_be_asked_for_elsewhere() -> None:
    out = io.StringIO()
    configure(form=LogFormat.CONSOLE, out=out)
    structlog.get_logger().info("call_began", caller="2001")
    assert "call_began" in out.getvalue()
    assert "\x1b" not in out.getvalue()


@pytest.mark.parametrize(
    ("level", "heard"),
    [(LogLevel.DEBUG, ["a", "b", "c"]), (LogLevel.INFO, ["b", "c"]), (LogLevel.ERROR, [])],
)
def test_what_matters_less_than_the_level_is_left_out(level: LogLevel, heard: list[str]) -> None:
    out = io.StringIO()
    configure(level, out=out)
    log = structlog.get_logger()
    log.debug("a")
    log.info("b")
    log.warning("c")
    assert [line["event"] for line in said(out)] == heard


def test_what_libraries_say_goes_the_same_way_from_warnings_on() -> None:
    out = io.StringIO()
    configure(LogLevel.DEBUG, out=out)
    logging.getLogger("asyncio").info("nothing of interest")
    try:
        raise KeyError("lost")
    except KeyError:
        logging.getLogger("asyncio").exception("a task %s", "failed")
    (line,) = said(out)
    assert (line["event"], line["level"], line["logger"]) == ("a task failed", "error", "asyncio")
    assert "KeyError: 'lost'" in line["exception"]
