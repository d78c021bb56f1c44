"""What docs/operation.md promises fits what the server does."""

import re
from pathlib import Path

from ringdove.api import server
from ringdove.calls import records, switchboard
from ringdove.cli.serve import DRAIN_SECONDS
from ringdove.media.embedded import child

PAGE = (Path(__file__).parents[2] / "docs" / "operation.md").read_text()


def test_systemd_waits_for_as_long_as_a_stop_may_take() -> None:
    drain = DRAIN_SECONDS + switchboard._LAST_WORDS + switchboard._FAREWELL
    stop = drain + server._PATIENCE + records._LAST_WORDS + child.PATIENCE
    told = re.search(r"less than (\d+) seconds", PAGE)
    waits = re.search(r"TimeoutStopSec=(\d+)", PAGE)
    assert told is not None
    assert waits is not None
    assert stop < int(told[1]) < int(waits[1])
