"""Asterisk 22 of Debian sid: PJSIP over UDP, `Dial()`, audio through it, and no more than that.

Only the modules that such calls need are loaded; no log, no CDR, no CEL. Members have static contacts, callers a
password that is asked for at each call.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from . import sid
from .rows import Row, caller_numbers, member_numbers
from .sides import Phones, Up, free_port
from .words import Login

PROGRAM = "/usr/sbin/asterisk"
PASSWORD = "a-secret-of-the-bench"
_MODULES = (
    *("res_sorcery_config", "res_sorcery_memory", "res_sorcery_astdb", "res_pjproject", "res_pjsip"),
    *("res_pjsip_session", "res_pjsip_sdp_rtp", "res_pjsip_caller_id", "res_pjsip_endpoint_identifier_user"),
    *(
        "res_pjsip_authenticator_digest",
        "res_pjsip_pubsub",
        "res_pjsip_rfc3326",
        "res_pjsip_dlg_options",
        "res_rtp_asterisk",
    ),
    *("res_timing_timerfd", "res_musiconhold", "chan_pjsip", "app_dial", "pbx_config", "bridge_simple"),
    *("bridge_native_rtp", "codec_ulaw", "format_pcm"),
)

name = "Asterisk"


def version() -> str:
    """Its own; empty where it is not there."""
    return sid.said(PROGRAM, "-V").removeprefix("Asterisk ")


def rows(rows: Sequence[Row]) -> list[Row]:
    """All."""
    return list(rows)


@asynccontextmanager
async def up(folder: Path, load: Phones, rows: Sequence[Row]) -> AsyncIterator[Up]:
    """Have it run. Raises RuntimeError where it does not start."""
    address = ("127.0.0.1", free_port())
    with sid.inside() as home:
        configure(home, address[1], load.port, rows)
        command = [PROGRAM, "-f", "-q", "-C", f"{sid.seen(home)}/asterisk.conf"]
        async with sid.running(command, folder / "log-asterisk", address) as process:
            yield Up(process, address, [Login(number, number, PASSWORD) for number in caller_numbers()])


def configure(home: Path, port: int, phones: int, rows: Sequence[Row]) -> None:
    """Write its settings into a folder; `phones`: the port at which members are."""
    seen = sid.seen(home)
    for part in ("lib", "spool", "run", "log", "music"):
        (home / part).mkdir()
    (home / "music" / "tone.ulaw").write_bytes(bytes(range(0x80, 0x100)) * 8 * 60)
    settings = {
        "asterisk.conf": f"""
            [directories]
            astetcdir => {seen}
            astmoddir => /usr/lib/{_triplet()}/asterisk/modules
            astvarlibdir => {seen}/lib
            astdbdir => {seen}/lib
            astdatadir => /usr/share/asterisk
            astspooldir => {seen}/spool
            astrundir => {seen}/run
            astlogdir => {seen}/log
            [options]
            verbose = 0
            debug = 0
            maxfiles = 100000
            """,
        "modules.conf": "[modules]\nautoload = no\n" + "".join(f"load = {module}.so\n" for module in _MODULES),
        "logger.conf": "[general]\n[logfiles]\n",
        "cdr.conf": "[general]\nenable = no\n",
        "cel.conf": "[general]\nenable = no\n",
        "rtp.conf": "[general]\nrtpstart = 10000\nrtpend = 29999\nicesupport = no\n",
        "musiconhold.conf": f"[default]\nmode = files\ndirectory = {seen}/music\n",
        "pjsip.conf": _pjsip(port, phones),
        "extensions.conf": "[members]\n[callers]\n" + "".join(dialled(row) for row in rows),
    }
    for name, text in settings.items():
        (home / name).write_text("\n".join(line.strip() for line in text.strip().splitlines()) + "\n")


def dialled(row: Row) -> str:
    """What is done when a row is dialled."""
    members = [f"PJSIP/{number}" for number in member_numbers(row.members)]
    if row.strategy == "sequentially":
        steps = [f"Dial({member},30)" for member in members]
    else:
        steps = [f"Dial({'&'.join(members)},30{',m' if row.music else ''})"]
    if row.music:
        steps.insert(0, "Progress()")
    first, *more = steps
    return f"exten => {row.number},1,{first}\n" + "".join(f" same => n,{step}\n" for step in (*more, "Hangup()"))


def _pjsip(port: int, phones: int) -> str:
    """Everybody's endpoint."""
    audio = (
        "disallow = all\nallow = ulaw\ndirect_media = no\ntimers = no\n"
        "media_address = 127.0.0.1\nbind_rtp_to_media_address = yes\n"
    )
    sections = [
        "[global]\ntype = global\nendpoint_identifier_order = username\n",
        "[system]\ntype = system\ndisable_tcp_switch = yes\n",
        f"[udp]\ntype = transport\nprotocol = udp\nbind = 127.0.0.1:{port}\n",
    ]
    for number in caller_numbers():
        sections.append(f"[{number}]\ntype = endpoint\ncontext = callers\nauth = {number}\n{audio}")
        sections.append(f"[{number}]\ntype = auth\nauth_type = userpass\nusername = {number}\npassword = {PASSWORD}\n")
    for number in member_numbers():
        sections.append(f"[{number}]\ntype = endpoint\ncontext = members\naors = {number}\n{audio}")
        sections.append(f"[{number}]\ntype = aor\ncontact = sip:{number}@127.0.0.1:{phones}\n")
    return "".join(sections)


def _triplet() -> str:
    """The folder of libraries of this machine's kind."""
    found = next((sid.ROOT / "usr/lib").glob("*/asterisk/modules"), None)
    if found is None:
        raise RuntimeError(f"no modules of Asterisk in {sid.ROOT}")
    return found.parents[1].name
