"""One call as the phones knew it: what each was sent and why, and what came out of it."""

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from ringdove.terminal.timeline import LABEL_WIDTH

from .hearing import Passage
from .incoming import IncomingLine
from .line import Ending, Line
from .mailbox import spoken
from .stage import Performance


def phones_saw(played: Performance) -> Table:
    """What each phone that rang was sent, and when. In a narrow terminal only the reasons are cut."""
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column("what the phones saw", width=LABEL_WIDTH, no_wrap=True)
    for header in ("INVITE", "then"):
        table.add_column(header, no_wrap=True)
    table.add_column("and why")
    for ring in played.rings:
        table.add_row(_owner(ring), *_seen(ring, played.call.began_at))
    return table


def _seen(ring: IncomingLine, origin: float) -> tuple[Text, Text, Text]:
    """When the INVITE came, what followed, and why; seconds since `origin`."""
    came = Text(f"{ring.began_at - origin:5.2f} s")
    ended = "" if ring.over_at is None else f" {ring.over_at - origin:5.2f} s"
    if ring.answered_at is not None:
        answered = Text(f"200    {ring.answered_at - origin:5.2f} s", style="bold green")
        return came, answered, Text(f"answered; BYE{ended}")
    match ring.ending:
        case Ending.CANCELLED:
            return (
                came,
                Text(f"CANCEL{ended}", style="cyan"),
                Text(ring.reason or "no Reason", no_wrap=True, overflow="ellipsis"),
            )
        case Ending.REFUSED:
            return came, Text(f"{ring.status}   {ended}", style="red"), Text("declined")
    return came, Text("nothing" if ring.ending is None else str(ring.ending), style="red"), Text("")


def phones_heard(played: Performance) -> Table:
    """What came out of each phone, from when to when, and of a message; phones that were silent are left out."""
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column("what they heard", width=LABEL_WIDTH, no_wrap=True)
    for header in ("from", "to"):
        table.add_column(header, justify="right", no_wrap=True)
    table.add_column("")
    for line, passages in played.heard.items():
        _add_passages(table, _owner(line), passages, played.call.began_at)
    if played.mail is not None and played.mail.message is not None:
        _add_passages(table, Text("✉ the message"), spoken(played.mail.message), 0.0)
    return table


def _add_passages(table: Table, who: Text, passages: Iterable[Passage], origin: float) -> None:
    for number, passage in enumerate(passages):
        times = f"{passage.start - origin:5.2f} s", f"{passage.stop - origin:5.2f} s"
        table.add_row("" if number else who, *times, _heard(passage))


def _heard(passage: Passage) -> Text:
    text = Text(str(passage.sound), style="magenta" if not passage.sound.endless else "green")
    return text.append(", all of it", style="dim") if passage.complete and not passage.sound.endless else text


def _owner(line: Line) -> Text:
    account = line.phone.account
    return Text.assemble((account.number, "bold"), f" {account.name}")
