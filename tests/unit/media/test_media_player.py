"""What a party hears from a player: which frames, and when."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringdove.media.embedded.player import LATEST, Player
from ringdove.media.embedded.programme import Items, Programme
from ringdove.media.embedded.timers import Timers
from ringdove.media.embedded.wire import Play, Played, Report
from ringdove.media.frames import FRAME_BYTES, FRAME_SECONDS

LONG = 10_000
"""Frames that no test plays to their end."""


@pytest.fixture
def tracks(tmp_path: Path) -> dict[str, str]:
    """Folders of tracks, by name; a frame says which track, codec and number it is of."""
    folders = {}
    for name, frames in (("one", 1), ("two", 2), ("five", 5), ("none", 0)):
        folder = tmp_path / name
        folder.mkdir()
        for codec in ("pcmu", "pcma"):
            said = [f"{name} {number} {codec}".encode().ljust(FRAME_BYTES) for number in range(frames)]
            (folder / codec).write_bytes(b"".join(said))
        folders[name] = str(folder)
    return folders | {"missing": str(tmp_path / "missing"), "file": str(tmp_path / "one" / "pcmu")}


to_close: list[Callable[[], None]] = []


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """No test leaves a file open."""
    yield
    while to_close:
        to_close.pop()()


class Listener:
    """Takes the frames of a programme."""

    def __init__(self, items: Items, skip: float = 0.0) -> None:
        self.ended: list[tuple[str, bool]] = []
        self.programme = Programme(items, "pcmu", skip, lambda item, broken: self.ended.append((item, broken)))
        to_close.append(self.programme.close)

    def hear(self, most: int = 100) -> list[str]:
        """The next frames, so many at most, as track and number."""
        heard: list[str] = []
        while len(heard) < most and (frame := self.programme.frame()) is not None:
            assert len(frame) == FRAME_BYTES
            heard.append(frame.decode().rstrip().removesuffix(" pcmu"))
        return heard


def test_items_follow_each_other_without_a_gap(tracks: dict[str, str]) -> None:
    listener = Listener([("a", [tracks["two"], tracks["one"]], 2, False), ("b", [tracks["one"]], 1, False)])
    assert listener.hear(6) == ["two 0", "two 1", "one 0"] * 2
    assert listener.ended == []
    assert listener.hear() == ["one 0"]
    assert listener.ended == [("a", False), ("b", False)]
    assert listener.hear() == []


def test_what_has_no_end_goes_on(tracks: dict[str, str]) -> None:
    listener = Listener([("a", [tracks["one"]], 1, False), ("b", [tracks["two"]], 0, False)])
    assert listener.hear(101) == ["one 0"] + ["two 0", "two 1"] * 50
    assert listener.ended == [("a", False)]


def test_a_shuffled_item_is_in_another_order_each_time_and_whole_each_time(tracks: dict[str, str]) -> None:
    listener = Listener([("a", [tracks["one"], tracks["two"], tracks["five"]], 0, True)])
    rounds = [tuple(listener.hear(8)) for _ in range(60)]
    assert {tuple(sorted(heard)) for heard in rounds} == {tuple(sorted(rounds[0]))}
    assert len(set(rounds)) == 6


@pytest.mark.parametrize("bad", ["missing", "none", "file"])
def test_a_track_that_cannot_be_read_is_left_out(tracks: dict[str, str], bad: str) -> None:
    listener = Listener([("a", [tracks[bad], tracks["one"], tracks[bad]], 2, False)])
    assert listener.hear() == ["one 0", "one 0"]
    assert listener.ended == [("a", False)]


@pytest.mark.parametrize("times", [0, 1, LONG])
def test_an_item_of_which_nothing_can_be_read_is_broken(tracks: dict[str, str], times: int) -> None:
    bad = ("bad", [tracks["missing"], tracks["none"]], times, False)
    listener = Listener([bad, ("good", [tracks["one"]], 1, False), ("empty", [], times, True)])
    assert listener.hear() == ["one 0"]
    assert listener.ended == [("bad", True), ("good", False), ("empty", True)]


def test_an_item_whose_tracks_go_away_ends_as_broken(tracks: dict[str, str]) -> None:
    listener = Listener([("a", [tracks["two"]], 0, False)])
    assert listener.hear(3) == ["two 0", "two 1", "two 0"]
    (Path(tracks["two"]) / "pcmu").unlink()
    assert listener.hear() == ["two 1"]
    assert listener.ended == [("a", True)]


def test_a_track_that_is_heard_so_many_times_is_heard_so_often_although_it_goes_away(tracks: dict[str, str]) -> None:
    listener = Listener([("a", [tracks["two"]], 3, False), ("b", [tracks["one"]], 1, False)])
    assert listener.hear(1) == ["two 0"]
    (Path(tracks["two"]) / "pcmu").unlink()
    assert listener.hear() == ["two 1", "two 0", "two 1", "two 0", "two 1", "one 0"]
    assert listener.ended == [("a", False), ("b", False)]


@given(st.integers(0, 40))
def test_skipping_is_as_if_it_had_been_heard(tmp_path_factory: pytest.TempPathFactory, frames: int) -> None:
    folders = []
    for name, size in (("x", 3), ("y", 4)):
        folder = tmp_path_factory.mktemp(name)
        (folder / "pcmu").write_bytes(b"".join(bytes([97 + at]) * FRAME_BYTES for at in range(size)))
        folders.append(str(folder))
    items = [("a", folders, 2, False), ("gone", ["/nowhere"], 1, False), ("b", folders[:1], 0, False)]
    whole, rest = Listener(items), Listener(items, frames * FRAME_SECONDS)
    assert whole.hear(60)[frames:] == rest.hear(60 - frames)
    assert rest.ended == whole.ended


def test_years_of_music_are_skipped_at_once(tracks: dict[str, str]) -> None:
    listener = Listener([("a", [tracks["two"], tracks["one"]], 0, False)], skip=(3 * 10**10 + 1) * FRAME_SECONDS)
    assert listener.hear(3) == ["two 1", "one 0", "two 0"]


def test_another_codec_goes_on_at_the_same_place(tracks: dict[str, str]) -> None:
    listener = Listener([("a", [tracks["five"], tracks["one"]], 1, False)])
    listener.programme.use("pcma")
    assert listener.hear(2) == ["five 0 pcma", "five 1 pcma"]
    listener.programme.use("pcmu")
    assert listener.hear(2) == ["five 2", "five 3"]
    listener.programme.use("pcmu")
    assert listener.hear(1) == ["five 4"]
    listener.programme.use("pcma")
    assert listener.hear() == ["one 0 pcma"]


class Mouth:
    """Notes when which frame was spoken, and what was left out."""

    def __init__(self) -> None:
        self.spoken: list[tuple[float, int]] = []
        self.rested: list[float] = []
        self.now = 0.0

    def speak(self, player: Player, frame: bytes, now: float) -> None:
        self.spoken.append((now, player.frames))

    def rest(self, player: Player) -> None:
        self.rested.append(player.frames)


def player(mouth: Mouth, folder: str, reports: list[Report], times: int = 0, due: float = 100.0) -> Player:
    made = Player(Play(30000, 7, 0, "pcmu", [("a", [folder], times, False)]), due, mouth, reports.append)
    to_close.append(made.stop)
    return made


@given(st.lists(st.floats(0.0, 0.03), min_size=10, max_size=100))
def test_packets_are_never_early_and_lateness_does_not_add_up(
    tmp_path_factory: pytest.TempPathFactory, delays: list[float]
) -> None:
    folder = tmp_path_factory.mktemp("track")
    (folder / "pcmu").write_bytes(bytes(FRAME_BYTES * 3))
    mouth = Mouth()
    playing = player(mouth, str(folder), [])
    due = 100.0
    for delay in delays:
        again = playing.tick(due + delay)
        assert again is not None
        due = again
    assert [number for _, number in mouth.spoken] == list(range(len(mouth.spoken)))
    assert all(0 <= now - (100.0 + number * FRAME_SECONDS) + 1e-9 < LATEST for now, number in mouth.spoken)
    assert not mouth.rested


def test_after_a_long_stop_it_goes_on_in_time_without_a_burst(tracks: dict[str, str]) -> None:
    mouth = Mouth()
    playing = player(mouth, tracks["five"], [])
    playing.tick(100.0)
    due = playing.tick(102.01)
    assert due == pytest.approx(102.02)
    assert [number for _, number in mouth.spoken] == [0, 98, 99, 100]
    assert mouth.rested == list(range(1, 98))


def test_the_end_is_told_when_the_last_frame_is_over(tracks: dict[str, str]) -> None:
    reports: list[Report] = []
    mouth = Mouth()
    playing = player(mouth, tracks["two"], reports, times=1)
    assert playing.tick(100.0) == pytest.approx(100.02)
    assert playing.tick(100.02) == pytest.approx(100.04)
    assert reports == []
    assert playing.tick(100.05) is None
    (played,) = reports
    assert played == pytest.approx(Played(30000, 7, "a", False, 100.04))
    assert playing.over


def test_what_was_stopped_says_nothing_more(tracks: dict[str, str]) -> None:
    reports: list[Report] = []
    mouth = Mouth()
    playing = player(mouth, tracks["one"], reports, times=1)
    playing.tick(100.0)
    playing.stop()
    assert playing.tick(100.02) is None
    assert len(mouth.spoken) == 1
    assert reports == []


def test_timers_call_in_order_and_again_when_asked() -> None:
    timers = Timers()
    calls: Counter[str] = Counter()
    order: list[str] = []

    def every_two(now: float) -> float:
        calls["two"] += 1
        order.append("two")
        return now + 2

    def once(now: float) -> None:
        order.append("once")
        timers.at(now + 1, lambda now: order.append("nested"))

    timers.at(3.0, once)
    timers.at(1.0, every_two)
    assert timers.run(0.5) == 1.0
    assert timers.run(1.0) == 3.0
    assert timers.run(3.0) == 4.0
    assert order == ["two", "once", "two"]
    assert timers.run(4.5) == 5.0
    assert order[-1] == "nested"
    assert Timers().run(0.0) == float("inf")
