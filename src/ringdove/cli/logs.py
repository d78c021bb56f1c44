"""How this program logs: structured lines on standard error, one per event, without secrets.

Lines about a call carry `call`, the id that `calls/get` and the ladder know; those about one of its legs `leg` and
`sip_call_id` as well. Below the level that is set, an event costs the call of an empty function.
"""

import logging
import sys
from typing import TextIO

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
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.processors.StackInfoRenderer(),
    ]
    # Plain tracebacks: the rich ones show local variables, and with them secrets.
    last: list[structlog.typing.Processor] = (
        [structlog.dev.ConsoleRenderer(colors=out.isatty(), exception_formatter=structlog.dev.plain_traceback)]
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
