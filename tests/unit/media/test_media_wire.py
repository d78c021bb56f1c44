"""What the two processes tell each other arrives as it was said."""

import pytest

from ringdove.media.embedded.wire import (
    Bind,
    Bound,
    Close,
    Command,
    Digit,
    Free,
    Freed,
    Play,
    Played,
    Quiet,
    Record,
    Recorded,
    Report,
    Silent,
    Stream,
    encode,
    read_commands,
    read_reports,
)


@pytest.mark.parametrize(
    "message",
    [
        Bind([30000]),
        Free([30000, 30002]),
        Close([30000, 30002]),
        Stream(30000, "10.0.0.7", 4000, 4001, 1, [(0, "pcmu", 8000)], True, 30004, [(0, 8, "a"), (101, 96, "")], True),
        Stream(30000, None, 4000, 4001, 1, [], False, None, [], False),
        Play(30000, 7, 0, "pcmu", [("join", ["/audio/3f"], 1, False)], 0.5),
        Play(30000, 0, 0, "", []),
        Record("/recordings/x.wav.tape", [30000, 0], 2.5),
    ],
)
def test_commands_survive_the_wire(message: Command) -> None:
    assert encode([message]).count(b"\n") == 1
    (again,) = read_commands(encode([message]))
    assert type(again) is type(message)
    assert encode([again]) == encode([message])


def test_reports_survive_the_wire() -> None:
    reports: list[Report] = [
        Bound([1], [2]),
        Silent(30000, 1.5, 2.5),
        Played(30000, 7, "join", True, 2.5),
        Digit(30000, "#", 0.1, 2.5),
        Quiet("/recordings/x.wav.tape", 2.5, 7.5),
        Recorded("/recordings/x.wav.tape"),
        Freed(30000, 1, 2, 3, 4, 5, 6, 0.5, 7),
    ]
    assert encode(reports).count(b"\n") == 1
    again = read_reports(encode(reports))
    assert again == reports
    assert [type(report) for report in again] == [type(report) for report in reports]
