"""What callers are told in words: which words, and that there is a track for each."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringdove.media.languages import en, table
from ringdove.media.languages.grammar import Words
from ringdove.media.sounds import PAUSE
from ringdove.media.speech import LANGUAGES, Choice, LanguageMissing, Phrase, Speech

TEXTS = table.read("en").texts
NOW = datetime(2026, 3, 5, 16, 30)  # a Thursday
moments = st.datetimes(datetime(1970, 1, 1), datetime(2199, 12, 31))


@pytest.fixture(scope="module")
def speech() -> Speech:
    return Speech.open("en")


def heard(tracks: Iterable[Path]) -> str:
    """The words of tracks; a stroke is a pause."""
    return " ".join("|" if track == PAUSE else TEXTS[track.name] for track in tracks)


def words(ids: Words) -> str:
    """The words of ids, which have to be among those that were promised."""
    assert en.WORDS.issuperset(ids)
    return " ".join(TEXTS[id_] for id_ in ids)


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "zero"),
        (7, "seven"),
        (19, "nineteen"),
        (20, "twenty"),
        (42, "forty two"),
        (100, "one hundred"),
        (105, "one hundred and five"),
        (999, "nine hundred and ninety nine"),
        (1000, "one thousand"),
        (1001, "one thousand and one"),
        (2300, "two thousand three hundred"),
        (12345, "twelve thousand three hundred and forty five"),
        (100_000, "one hundred thousand"),
        (999_999, "nine hundred and ninety nine thousand nine hundred and ninety nine"),
    ],
)
def test_numbers(speech: Speech, number: int, said: str) -> None:
    assert heard(speech.number(number)) == said


def value(ids: Words) -> int:
    """What somebody understands who hears a number."""
    thousands = rest = 0
    for id_ in ids:
        if id_ == "1000":
            thousands, rest = rest, 0
        elif id_ == "100":
            rest *= 100
        elif id_ != "and":
            rest += int(id_)
    return 1000 * thousands + rest


def test_every_number_is_understood() -> None:
    used = set[str]()
    for number in range(1_000_000):
        said = en.number(number)
        assert value(said) == number
        used.update(said)
    assert used <= en.WORDS


@pytest.mark.parametrize("number", [-1, 1_000_000])
def test_other_numbers_are_refused(speech: Speech, number: int) -> None:
    with pytest.raises(ValueError, match="can be said"):
        speech.number(number)


@pytest.mark.parametrize(
    ("text", "said"),
    [("6300", "six three zero zero"), ("+49", "plus four nine"), ("*02#", "star zero two hash")],
)
def test_what_is_dialled_is_said_key_by_key(speech: Speech, text: str, said: str) -> None:
    assert heard(speech.digits(text)) == said


@pytest.mark.parametrize("text", ["", "alice", "1+2", "63 00", "٣", "²"])
def test_what_has_no_key_cannot_be_said_and_is_an_unknown_caller(speech: Speech, text: str) -> None:
    with pytest.raises(ValueError, match="0-9"):
        speech.digits(text)
    assert heard(speech.caller(text)) == "From an unknown caller. |"


@pytest.mark.parametrize(
    ("when", "said"),
    [
        (datetime(2026, 3, 5, 10, 15), "today at ten fifteen a.m."),
        (datetime(2026, 3, 5, 0, 0), "today at midnight"),
        (datetime(2026, 3, 5, 0, 5), "today at twelve oh five a.m."),
        (datetime(2026, 3, 5, 12, 0, 59), "today at noon"),
        (datetime(2026, 3, 5, 12, 21), "today at twelve twenty one p.m."),
        (datetime(2026, 3, 4, 23, 59), "yesterday at eleven fifty nine p.m."),
        (datetime(2026, 3, 3, 13, 0), "Tuesday, March third at one p.m."),
        (datetime(2026, 1, 22, 8, 30), "Thursday, January twenty second at eight thirty a.m."),
        (datetime(2026, 1, 30, 8, 30), "Friday, January thirtieth at eight thirty a.m."),
        (datetime(2026, 3, 6, 8, 30), "Friday, March sixth at eight thirty a.m."),  # the clock was put back
        (datetime(2025, 12, 31, 9, 0), "Wednesday, December thirty first twenty twenty five at nine a.m."),
        (datetime(2001, 5, 1, 9, 0), "Tuesday, May first two thousand and one at nine a.m."),
        (datetime(1999, 5, 1, 9, 0), "Saturday, May first nineteen ninety nine at nine a.m."),
        (datetime(1905, 5, 1, 9, 0), "Monday, May first nineteen oh five at nine a.m."),
        (datetime(2100, 5, 1, 9, 0), "Saturday, May first twenty one hundred at nine a.m."),
    ],
)
def test_moments(speech: Speech, when: datetime, said: str) -> None:
    assert heard(speech.moment(when, NOW)) == said


def test_yesterday_may_be_last_year(speech: Speech) -> None:
    assert heard(speech.moment(datetime(2025, 12, 31, 9), datetime(2026, 1, 1, 9))) == "yesterday at nine a.m."


def test_every_minute_of_a_day_is_told_from_every_other() -> None:
    midnight = datetime(2026, 3, 5)
    every = [words(en.moment(midnight + timedelta(minutes=minute), NOW)) for minute in range(24 * 60)]
    assert len(set(every)) == len(every)


def test_every_day_of_years_is_told_from_every_other() -> None:
    first = datetime(1999, 1, 1)
    every = [words(en.moment(first + timedelta(days), NOW)) for days in range(366 * 40)]
    assert len(set(every)) == len(every)


@given(when=moments, now=moments)
def test_every_moment_can_be_said_at_any_other(when: datetime, now: datetime) -> None:
    assert words(en.received(when, now)).startswith("Received ")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "zero seconds"),
        (1, "one second"),
        (9.6, "ten seconds"),
        (59.7, "one minute"),
        (61, "one minute and one second"),
        (62, "one minute and two seconds"),
        (300, "five minutes"),
        (3725, "sixty two minutes and five seconds"),
    ],
)
def test_durations(speech: Speech, seconds: float, said: str) -> None:
    assert heard(speech.duration(seconds)) == said
    assert heard(speech.length(seconds)) == f"Length: {said} |"


@pytest.mark.parametrize(
    ("new", "old", "said"),
    [
        (0, 0, "You have no messages. |"),
        (1, 0, "You have one new message |"),
        (0, 1, "You have one old message |"),
        (1, 2, "You have one new message and two old messages |"),
        (100, 1, "You have one hundred new messages and one old message |"),
    ],
)
def test_how_many_messages_there_are(speech: Speech, new: int, old: int, said: str) -> None:
    assert heard(speech.count(new, old)) == said


@given(new=st.integers(0, 999_999), old=st.integers(0, 999_999), seconds=st.integers(0, 86_400))
def test_counts_and_durations_can_always_be_said(new: int, old: int, seconds: int) -> None:
    assert words(en.count(new, old)).startswith("You have ")
    assert words(en.length(seconds)).startswith("Length: ")


def test_sentences_end_with_a_pause(speech: Speech) -> None:
    assert heard(speech.phrase(Phrase.GOODBYE)) == "Goodbye. |"
    assert heard(speech.caller("2001")) == "From two zero zero one |"
    assert heard(speech.caller(None)) == "From an unknown caller. |"
    assert heard(speech.received(NOW, NOW)) == "Received today at four thirty p.m. |"
    assert heard(speech.option(Choice.DELETE, "7")) == "To delete it, press seven. |"
    assert heard(speech.option(Choice.GROUP_MAILBOX, "2", "63")) == "For the mailbox of group six three press two. |"
    assert heard(speech.unavailable("20")) == "The person at extension two zero is not available. |"
    assert heard(speech.unavailable("63", group=True)) == "The group at extension six three is not available. |"


@pytest.mark.parametrize("key", "0123456789*#")
def test_every_key_can_be_offered(speech: Speech, key: str) -> None:
    *_, press, _ = speech.option(Choice.SAVE, key)
    (said,) = speech.digits(key)
    assert heard([press]) == f"press {heard([said])}."


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_without_use_and_none_is_missing(language: str) -> None:
    assert table.read(language).texts.keys() == {*Phrase, *Choice, *LANGUAGES[language].WORDS}


def test_no_text_is_there_twice() -> None:
    assert len(set(TEXTS.values())) == len(TEXTS)


def test_an_unknown_language_is_refused_at_the_start() -> None:
    with pytest.raises(LanguageMissing, match="no language 'xx'; there is en"):
        Speech.open("xx")


def test_a_track_that_is_missing_is_noticed_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for track in table.tracks("en").iterdir():
        if track.name not in {"goodbye", "42", "7"}:
            (tmp_path / track.name).symlink_to(track)
    monkeypatch.setattr(table, "tracks", lambda _: tmp_path)
    with pytest.raises(LanguageMissing, match=r"'en' cannot say 7, goodbye$"):
        Speech.open("en")
