"""What came of a soak, as tables: for the terminal, and for `soak/results/latest.md`."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict

from bench.report import Row, Sheet

from .run import Soak
from .vitals import Growth, growth, spark

_TOLD = 40
"""Complaints that are told one by one."""
_FEWEST = 10
"""Samples without which there is no growth."""


def has_failed(soak: Soak) -> bool:
    """Whether anything is wrong."""
    leaks = any(right is False for *_, right in soak.leaks())
    return bool(soak.complaints) or leaks or any(grown.is_too_much for _, grown in _growths(soak))


def sheets(soak: Soak) -> Iterator[Sheet]:
    """All that is to be known."""
    accounts = soak.accounts
    cut = f" {accounts.cut_off} of them were cut off by the kill." if soak.outages else ""
    title = f"{accounts.outcomes.total()} calls, as their callers saw them.{cut}"
    yield Sheet(title, ("outcome", "calls"), _ranked(accounts.outcomes))
    title = f"{accounts.dispositions.total()} records, as the server wrote them"
    yield Sheet(title, ("disposition", "records"), _ranked(accounts.dispositions))
    yield Sheet(f"{accounts.rings.total()} times a phone rang", ("ended", "times"), _ranked(accounts.rings))
    title = f"{accounts.logged.total()} lines in the logs of extensions"
    yield Sheet(title, ("how the call stands there", "lines"), _ranked(accounts.logged))
    yield Sheet("Messages", ("what became of them", "messages"), _counted(accounts.messages))
    yield Sheet(
        "What the server held",
        ("what", "before the first phone", "after the last", "verdict"),
        [(name, str(a), str(b), _verdict(right)) for _, name, a, b, right in soak.leaks()],
    )
    yield Sheet(
        "Resident memory",
        ("process", "after warm-up, MB", "at the end, MB", "growth", "verdict"),
        [
            (
                name,
                f"{grown.before:.1f}",
                f"{grown.after:.1f}",
                f"{grown.share:+.1%}",
                _verdict(not grown.is_too_much) if grown.judged else "too short to judge",
            )
            for name, grown in _growths(soak)
        ],
    )
    yield Sheet("Over time", ("what", "least to most", "value"), list(_curves(soak)))
    lived = Counter(soak.life.done if soak.life else {}) + Counter(
        {f"datagrams {what}": number for what, number in soak.weather.done.items()}
    )
    yield Sheet("What else went on", ("what", "times"), _ranked(lived))
    yield Sheet("The server's log", ("line", "times"), _ranked(soak.logged))
    lines = (" / ".join(complaint.splitlines()) for complaint in soak.complaints[:_TOLD])
    told: list[Row] = [(str(number), line) for number, line in enumerate(lines, 1)]
    yield Sheet(f"{len(soak.complaints)} complaints", ("", "what"), told)


def plan(soak: Soak) -> list[tuple[str, str]]:
    """What was asked for."""
    asked = [
        f"--{name}" if value is True else f"--{name} {value:g}" for name, value in asdict(soak.plan).items() if value
    ]
    lasted = soak.samples[-1].at if soak.samples else 0.0
    return [
        ("asked for", " ".join(asked)),
        ("calls were made for", f"{lasted:.0f} s"),
        ("kept waiting by the machine", _waiting(soak)),
    ]


def _waiting(soak: Soak) -> str:
    longest = max((stall.seconds for stall in soak.stalls), default=0.0)
    return f"{len(soak.stalls)} times, at most {longest:.1f} s" if soak.stalls else "no"


def _growths(soak: Soak) -> Iterator[tuple[str, Growth]]:
    if len(soak.samples) >= _FEWEST:
        for process in soak.samples[0].memory:
            yield process, growth(soak.samples, process)


def _curves(soak: Soak) -> Iterator[Row]:
    curves: dict[str, list[float]] = {"calls": [sample.calls for sample in soak.samples]}
    for process in soak.samples[0].memory if soak.samples else ():
        curves[f"{process}, MB"] = [sample.memory[process] for sample in soak.samples]
    for name, values in curves.items():
        if values:
            yield name, f"{min(values):.0f} to {max(values):.0f}", spark(values)


def _counted(counted: Counter[str]) -> list[Row]:
    return [(what, str(number)) for what, number in counted.items()]


def _ranked(counted: Counter[str]) -> list[Row]:
    return [(what, str(number)) for what, number in counted.most_common()]


def _verdict(right: bool | None) -> str:
    return {True: "right", False: "WRONG", None: "not judged"}[right]
