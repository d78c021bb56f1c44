"""The log of a simulated world: nobody reads it, but no error may be in it."""

import logging
import traceback
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import structlog


@contextmanager
def errors_logged(errors: list[str]) -> Iterator[None]:
    """Write down what goes to the log as an error; nothing else is logged."""

    def write_down(_: object, name: str, event: MutableMapping[str, Any]) -> str:
        if event.pop("exc_info", None):
            event["trace"] = traceback.format_exc()
        errors.append(f"log: {name}: {event}")
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(
        processors=[write_down],
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        cache_logger_on_first_use=False,
    )
    try:
        yield
    finally:
        structlog.configure(**before)
