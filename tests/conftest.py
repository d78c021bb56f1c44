"""For all tests."""

import gc

import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")  # how long an example takes says how busy the machine is


@pytest.fixture(scope="module", autouse=True)
def _short_collections() -> None:
    """Take what earlier tests left out of the collector's sight.

    Late in a full run one collection goes through a million objects and stops the process for a second, and with it
    servers and phones whose times are being measured.
    """
    gc.collect()
    gc.freeze()
