"""English: how sentences are built of the texts in `texts.toml`."""

from datetime import date, datetime

from ringdove.media.languages.grammar import Words
from ringdove.media.languages.phrases import Phrase

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_KEYS = {**{digit: digit for digit in "0123456789"}, "*": "star", "#": "hash", "+": "plus"}
_IRREGULAR = 20
"""Numbers up to here have words of their own, ordinals too."""

WORDS = frozenset(
    {
        *map(str, range(_IRREGULAR)),
        *map(str, range(_IRREGULAR, 100, 10)),
        *("100", "1000", "and", "oh"),
        *_KEYS.values(),
        *(f"press_{name}" for key, name in _KEYS.items() if key != "+"),
        *(f"day_{day}" for day in (*range(1, _IRREGULAR + 1), 30)),
        *_DAYS,
        *_MONTHS,
        *("today", "yesterday", "at", "am", "pm", "noon", "midnight"),
        *("one_minute", "minutes", "one_second", "seconds"),
        *("you_have", "no_messages", "new_message", "new_messages", "old_message", "old_messages"),
        *("received", "from", "from_unknown_caller", "length"),
        *("person_at_extension", "group_at_extension", Phrase.IS_NOT_AVAILABLE),
    }
)


def digits(text: str) -> Words:
    """Key by key."""
    if not text or not set(text) <= _KEYS.keys() or "+" in text[1:]:
        raise ValueError("a number has 0-9, *, #, and + in front")
    return tuple(_KEYS[key] for key in text)


def number(value: int) -> Words:
    """Three hundred and five."""
    if not 0 <= value < 1_000_000:
        raise ValueError("0 to 999,999 can be said")
    if value < _IRREGULAR:
        return (str(value),)
    if value < 100:
        tens, rest = value // 10 * 10, value % 10
        return (str(tens), *(number(rest) if rest else ()))
    if value < 1000:
        hundreds, rest = divmod(value, 100)
        return (str(hundreds), "100", *(("and", *number(rest)) if rest else ()))
    thousands, rest = divmod(value, 1000)
    link = ("and",) if 0 < rest < 100 else ()
    return (*number(thousands), "1000", *link, *(number(rest) if rest else ()))


def duration(seconds: int) -> Words:
    """Two minutes and one second."""
    minutes, rest = divmod(seconds, 60)
    first = _several(minutes, "one_minute", "minutes") if minutes else ()
    second = _several(rest, "one_second", "seconds") if rest or not minutes else ()
    return (*first, *(("and",) if first and second else ()), *second)


def moment(when: datetime, now: datetime) -> Words:
    """Today at ten fifteen a m; Monday, March third, at noon."""
    return (*_day(when.date(), now.date()), "at", *_time(when.hour, when.minute))


def count(new: int, old: int) -> Words:
    """You have one new message, and two old messages."""
    kinds = [
        (*number(many), f"{age}_message" if many == 1 else f"{age}_messages")
        for many, age in ((new, "new"), (old, "old"))
        if many
    ]
    if not kinds:
        return ("you_have", "no_messages")
    return ("you_have", *kinds[0], *(("and", *kinds[1]) if kinds[1:] else ()))


def received(when: datetime, now: datetime) -> Words:
    """Received yesterday at noon."""
    return ("received", *moment(when, now))


def caller(number: str | None) -> Words:
    """From two zero zero one."""
    return ("from_unknown_caller",) if number is None else ("from", *digits(number))


def length(seconds: int) -> Words:
    """Length: ten seconds."""
    return ("length", *duration(seconds))


def unavailable(number: str, group: bool) -> Words:
    """The person at extension two zero zero one is not available."""
    return ("group_at_extension" if group else "person_at_extension", *digits(number), Phrase.IS_NOT_AVAILABLE)


def option(choice: str, key: str, number: str) -> Words:
    """To delete it, press seven."""
    return (choice, *(digits(number) if number else ()), f"press_{_KEYS[key]}")


def _several(value: int, one: str, many: str) -> Words:
    return (one,) if value == 1 else (*number(value), many)


def _day(day: date, today: date) -> Words:
    match (today - day).days:
        case 0:
            return ("today",)
        case 1:
            return ("yesterday",)
    named = (_DAYS[day.weekday()], _MONTHS[day.month - 1], *_ordinal(day.day))
    return named if day.year == today.year else (*named, *_year(day.year))


def _ordinal(day: int) -> Words:
    """Of a day in its month."""
    if day <= _IRREGULAR or day == 30:
        return (f"day_{day}",)
    return (str(day // 10 * 10), f"day_{day % 10}")


def _year(year: int) -> Words:
    """Twenty twenty-six; nineteen oh five; two thousand and one."""
    century, rest = divmod(year, 100)
    if century == 0 or year % 1000 < 10:
        return number(year)
    if rest == 0:
        return (*number(century), "100")
    return (*number(century), *(("oh",) if rest < 10 else ()), *number(rest))


def _time(hour: int, minute: int) -> Words:
    if minute == 0 and hour % 12 == 0:
        return ("noon" if hour else "midnight",)
    past = () if minute == 0 else ("oh", *number(minute)) if minute < 10 else number(minute)
    return (*number(hour % 12 or 12), *past, "am" if hour < 12 else "pm")
