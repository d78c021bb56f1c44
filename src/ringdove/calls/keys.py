"""Keys that phones tell by INFO in place of RFC 4733. No standard says how, yet all do it alike (a "legacy INFO
usage", RFC 6086 §2). Pure.
"""

_EVENTS = "0123456789*#ABCD"
"""By their numbers in RFC 4733, which some phones send instead: 10 for *."""
_KEYS: dict[str, str | None] = {
    **{str(number): key for number, key in enumerate(_EVENTS)},
    **{key: key for key in _EVENTS},
    **dict.fromkeys(("16", "!")),  # the hook was flashed, which is no key
}

_TOGETHER = 1.0
"""Seconds within which a key that is told both ways was pressed once; RFC 4733's word comes when it is let go."""


class BadKey(ValueError):
    """An INFO that is to tell a key and does not."""


def key_of(content_type: str, body: bytes) -> str | None:
    """The key that an INFO tells: 0-9, *, #, A-D; None where that is not what it is about.

    A body of application/dtmf-relay has lines, of which `Signal=5` counts; one of application/dtmf is the key alone.
    Raises BadKey.
    """
    text = body.decode("ascii", "replace")
    if content_type == "application/dtmf-relay":
        lines = (line.partition("=") for line in text.splitlines())
        said = next((value for name, _, value in lines if name.strip().lower() == "signal"), "")
    elif content_type == "application/dtmf":
        said = text
    else:
        return None
    key = said.strip().upper()
    if key not in _KEYS:
        raise BadKey(f"no key: {said!r}")
    return _KEYS[key]


class Doubles:
    """Tells keys that were pressed from those that are only told once more: some phones are set to send both ways."""

    def __init__(self) -> None:
        self._last: tuple[str, bool, float] | None = None

    def is_double(self, key: str, now: float, *, by_info: bool) -> bool:
        """Whether this is the key before it, told the other way."""
        last, self._last = self._last, (key, by_info, now)
        if last is None or last[:2] != (key, not by_info) or now - last[2] > _TOGETHER:
            return False
        self._last = None
        return True
