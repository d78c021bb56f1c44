"""How long to wait before what failed is tried again."""

from typing import NamedTuple


class Pace(NamedTuple):
    """Seconds until a failure is tried again, at first and at most after doubling; and until something is given up."""

    first: float
    longest: float
    limit: float

    def pause(self, failures: int) -> float:
        """How long to wait after so many failures in a row."""
        return min(self.longest, self.first * 2.0 ** min(failures - 1, 32))
