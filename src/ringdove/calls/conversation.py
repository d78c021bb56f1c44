"""The server itself talks with the caller: it plays, hears keys and records. What is said is for who calls this to say.

async def greet(talk: Conversation) -> None:
    if await talk.ask(menu, keys="12") == "1": ...

await converse(call, greet, call.book.answered)
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import structlog

from ringdove.media import recordings
from ringdove.media.codecs import sound_seconds
from ringdove.media.engine import Item, ItemId, MediaError, RecordingFailed, RecordingId, Sound
from ringdove.media.recordings import KEPT_SILENCE, tape_of
from ringdove.model.story import EndedBy

from .call import Call
from .caller import CALLER
from .hearing import GRACE
from .inbox import CallEnded, CallerGone, CallEvent, HeardOut, HungUp, Pressed, Quiet
from .keys import Doubles

log = structlog.get_logger(__name__)

PATIENCE = 5.0
"""Seconds in which a key is expected after a question."""
BETWEEN_DIGITS = 4.0
"""Seconds after which a number counts as keyed in."""
_ANSWER = 5.0
"""Seconds to wait for a caller's description, where it makes none before our 200."""


class CallerLeft(Exception):
    """The caller hung up."""


@dataclass(frozen=True, slots=True)
class Take:
    """A recording that was made: seconds of it, and in how many of them something is heard."""

    seconds: float | None
    """None where no file could be made of it yet; what was said lies beside it, for `media.recordings.recover`."""
    heard: float
    """See `media.recordings.heard`."""
    over: CallerLeft | CallEnded | None = None
    """What ended the call with it: to be raised when what was recorded is cared for."""


class Conversation:
    """A caller who has been answered by us. Everything may raise CallerLeft, and CallEnded as everywhere in a call."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._names = (f"talk{number}" for number in itertools.count(1))
        self._doubles = Doubles()

    async def say(self, tracks: Iterable[Path], keys: str = "") -> str:
        """Let the caller hear these to their end, or until it presses one of `keys`; returns that key, else "".

        Other keys are passed over. What cannot be heard (no codec in common) is not waited for.
        """
        tracks = tuple(tracks)
        if not tracks:
            return ""
        item = ItemId(next(self._names))
        try:
            await self._call.session.play(CALLER, Item(item, Sound(tracks)))
        except MediaError:
            return ""
        until = self._now() + sum(map(sound_seconds, tracks)) + GRACE
        while True:
            match await self._next(until):
                case HeardOut(item=ended) if ended == item:
                    return ""
                case Pressed(digit=key) if key in keys:
                    await self._call.session.stop(CALLER)
                    return key
                case None:
                    log.warning("speech_without_end", call=self._call.id)
                    return ""

    async def ask(self, tracks: Iterable[Path], keys: str, *, patience: float = PATIENCE) -> str:
        """Say this and wait for one of `keys`, which may come at any time; returns "" where none does."""
        if key := await self.say(tracks, keys):
            return key
        until = self._now() + patience
        while (event := await self._next(until)) is not None:
            if isinstance(event, Pressed) and event.digit in keys:
                return event.digit
        return ""

    async def number(self, tracks: Iterable[Path], *, most: int = 20, patience: float = PATIENCE) -> str:
        """Say this and take the digits that are keyed in, up to `#`, a pause, or so many; "" where nothing comes."""
        digits = await self.ask(tracks, "0123456789*#", patience=patience)
        while digits and digits[-1] != "#" and len(digits) < most:
            key = await self.ask((), "0123456789*#", patience=BETWEEN_DIGITS)
            if not key:
                break
            digits += key
        return digits.removesuffix("#")

    async def record(self, file: Path, *, longest: float, quiet: float, keys: str = "#") -> Take:
        """Record what the caller says into a WAV file, until it presses a key, says nothing for `quiet` seconds, has
        spoken for `longest`, or the call is over, which does not raise here (`Take.over`). Silence at the end is left
        out, but for a moment of it.
        """
        recording = RecordingId(file.stem)
        await self._call.session.record(recording, file, CALLER, quiet=quiet)
        over = None
        try:
            await self._recorded(recording, self._now() + longest, keys)
        except (CallerLeft, CallEnded) as end:
            over = end
        finally:
            seconds, audible = await self._close(recording, file)
        return Take(seconds, audible, over)

    async def _recorded(self, recording: RecordingId, until: float, keys: str) -> None:
        while (event := await self._next(until)) is not None:
            match event:
                case Pressed(digit=key) if key in keys:
                    return
                case Quiet(recording=silent) if silent == recording:
                    return

    async def _close(self, recording: RecordingId, file: Path) -> tuple[float | None, float]:
        try:
            made = await self._call.session.stop_record(recording, keep_silence=KEPT_SILENCE)
            return made.seconds, await recordings.heard(file)
        except RecordingFailed:
            log.exception("recording_failed", call=self._call.id)
            return None if tape_of(file).exists() else 0.0, 0.0

    async def rest(self, until: float) -> None:
        """Say nothing until the loop's clock reaches `until`; keys that are pressed meanwhile are passed over."""
        while await self._next(until) is not None:
            pass

    async def audible(self) -> None:
        """Return when the caller can hear us: it may say where only after our answer, in its ACK."""
        until = self._now() + _ANSWER
        while not self._call.session.can_play(CALLER) and await self._next(until) is not None:
            pass

    async def _next(self, until: float) -> CallEvent | None:
        """What happens next; None when the loop's clock has reached `until`."""
        event = await self._call.inbox.next(until)
        match event:
            case HungUp(leg, why) if leg is self._call.caller:
                self._call.book.ended(EndedBy.CALLER, why)
                raise CallerLeft
            case CallerGone():
                raise CallerLeft
            case Pressed(_, key, by_info) if self._doubles.is_double(key, self._now(), by_info=by_info):
                return await self._next(until)
            case None | HeardOut() | Pressed() | Quiet():
                return event
        await self._call.attend(event)
        return event

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


async def converse(call: Call, dialogue: Callable[[Conversation], Awaitable[None]], taken: Callable[[], None]) -> None:
    """Answer the caller, which `taken` is told, talk with it as `dialogue` says, and hang up; the call is over then.

    Neither comes about where the caller has left already or has no audio for us.
    """
    if not await call.take():
        return
    taken()
    call.board.records.save(call.book.story)  # a crash leaves what the call counts as
    talk = Conversation(call)
    try:
        await talk.audible()
        await dialogue(talk)
    except CallerLeft:
        return
    call.book.ended(EndedBy.SERVER, "")
    call.caller.bye()
