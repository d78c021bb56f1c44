"""How this program logs: structured lines on standard error, one per event, without secrets.

Lines about a call carry `call`, the id that `calls/get` and the ladder know; those about one of its legs `leg` and
`sip_call_id` as well. Below the level that is set, an event costs the call of an empty function.
"""

import logging
import sys
from collections.abc import Mapping
from typing import Any, TextIO

import structlog

from ringdove.settings import LogFormat, LogLevel


def configure(level: LogLevel = LogLevel.INFO, form: LogFormat = LogFormat.AUTO, out: TextIO | None = None) -> None:
    """Set up structlog, and what the libraries log by Python's own means goes the same way, from warnings on.

    `form` says whether lines are for a person or, as JSON, for a log collector; by default they are for a person where
    `out`, standard error, is a terminal.
    """
    out = out or sys.stderr
    for_a_person = form is LogFormat.CONSOLE or (form is LogFormat.AUTO and out.isatty())
    least = logging.getLevelNamesMapping()[level.upper()]
    common: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper("%m-%d %H:%M:%S" if for_a_person else "iso", utc=not for_a_person),
        structlog.processors.StackInfoRenderer(),
    ]
    # Plain tracebacks: the rich ones show local variables, and with them secrets.
    last: list[structlog.typing.Processor] = (
        [_text(colors=out.isatty())]
        if for_a_person
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=str)]
    )
    structlog.configure(
        processors=[*common, *last],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.PrintLoggerFactory(out),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*common, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(least, logging.WARNING), force=True)


def _text(*, colors: bool) -> structlog.typing.Processor:
    """A line for a person: values in the order in which they were given, each element of a list on a line below."""
    draw = structlog.dev.ConsoleRenderer(
        colors=colors, exception_formatter=structlog.dev.plain_traceback, sort_keys=False, pad_event_to=0
    )

    def text(logger: Any, method: str, event: structlog.typing.EventDict) -> str:
        below = [one for values in event.values() if isinstance(values, list) for one in values]
        plain = {name: _legible(value) for name, value in event.items() if not isinstance(value, list)}
        return "\n    ".join([draw(logger, method, plain), *map(_pairs, below)])

    return text


def _pairs(values: Any) -> str:
    if not isinstance(values, Mapping):
        return str(_legible(values))
    return " ".join(
        f"{name}={value!r}" if " " in str(value) else f"{name}={_legible(value)}" for name, value in values.items()
    )


def _legible(value: Any) -> Any:
    """Take out what a terminal would obey: some of it comes from phones."""
    return repr(value) if isinstance(value, str) and not value.isprintable() else value
