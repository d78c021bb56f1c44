"""What is said to be done is on the disk."""

import os
from pathlib import Path
from typing import IO


def sync(what: IO[bytes] | Path) -> None:
    """Have an open file's content, or a folder's names, on the disk. Raises OSError."""
    if isinstance(what, Path):
        descriptor = os.open(what, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    else:
        what.flush()
        os.fsync(what.fileno())
