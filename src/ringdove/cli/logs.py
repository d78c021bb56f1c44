"""How this program logs: structured lines on standard error, one per event, without secrets."""

import logging
import sys

import structlog


def configure(level: int = logging.INFO) -> None:
    """Set up structlog: key=value lines for a person at a terminal, JSON for a log collector."""
    interactive = sys.stderr.isatty()
    renderer: structlog.typing.Processor = structlog.processors.JSONRenderer()
    if interactive:  # plain tracebacks: the rich ones show local variables, and with them secrets
        renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.StackInfoRenderer(),
            *([] if interactive else [structlog.processors.format_exc_info]),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
