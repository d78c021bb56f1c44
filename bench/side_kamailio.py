"""Kamailio of Debian sid as a proxy: it forks to static contacts, and no audio passes through it.

It asks each caller for a password, records its route, goes on to the next member where one is busy. One process for
its socket, since it has one core.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from . import sid
from .rows import Row, caller_numbers, member_numbers
from .sides import Phones, Up, free_port
from .words import Login

PROGRAM = "/usr/sbin/kamailio"
PASSWORD = "a-secret-of-the-bench"
MOST_BRANCHES = 30
"""What its `max_branches` takes at most."""
MODULES = ("kex", "corex", "tm", "tmx", "sl", "rr", "pv", "maxfwd", "textops", "siputils", "auth")

name = "Kamailio"


def version() -> str:
    """Its own; empty where it is not there."""
    return sid.said(PROGRAM, "-v").removeprefix("version: kamailio ").partition(" ")[0]


def rows(rows: Sequence[Row]) -> list[Row]:
    """As many members as it takes, and no music, which is not a proxy's."""
    return [row for row in rows if row.members <= MOST_BRANCHES and not row.music]


@asynccontextmanager
async def up(folder: Path, load: Phones, rows: Sequence[Row]) -> AsyncIterator[Up]:
    """Have it run. Raises RuntimeError where it does not start."""
    address = ("127.0.0.1", free_port())
    with sid.inside() as home:
        (home / "kamailio.cfg").write_text(configuration(address[1], load.port, rows))
        seen = sid.seen(home)
        memory = ("-b", "4194304", "-m", "512", "-M", "32")
        command = [PROGRAM, "-DD", "-E", *memory, "-f", f"{seen}/kamailio.cfg", "-Y", seen]
        async with sid.running(command, folder / "log-kamailio", address) as process:
            yield Up(process, address, [Login(number, number, PASSWORD) for number in caller_numbers()])


def configuration(port: int, phones: int, rows: Sequence[Row]) -> str:
    """Its script; `phones`: the port at which members are."""
    load = "\n".join(f'loadmodule "{module}.so"' for module in MODULES)
    dialled, failed = "", ""
    for row in rows:
        uris = [f"sip:{number}@127.0.0.1:{phones}" for number in member_numbers(row.members)]
        if row.strategy == "ring_all":
            branches = " ".join(f'append_branch("{uri}");' for uri in uris[1:])
            dialled += f'    if ($rU == "{row.number}") {{ $ru = "{uris[0]}"; {branches} route(RELAY); }}\n'
        else:
            dialled += f'    if ($rU == "{row.number}") {{ {_next(row, 0, uris[0])} route(RELAY); }}\n'
            for turn, uri in enumerate(uris[1:], 1):
                failed += (
                    f'    if ($avp(next) == "{row.number}-{turn}") {{ {_next(row, turn, uri)} t_relay(); exit; }}\n'
                )
    return f"""\
#!KAMAILIO
debug=-1
log_stderror=yes
fork=yes
children=1
disable_tcp=yes
dns=no
rev_dns=no
use_dns_cache=off
auto_aliases=no
max_branches={MOST_BRANCHES}
listen=udp:127.0.0.1:{port}
{load}
modparam("rr", "enable_full_lr", 1)

request_route {{
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (is_method("CANCEL")) {{
        if (t_check_trans()) t_relay();
        exit;
    }}
    if (has_totag()) {{
        if (loose_route() || is_method("ACK") && t_check_trans()) t_relay();
        exit;
    }}
    if (is_method("OPTIONS")) {{ sl_send_reply("200", "OK"); exit; }}
    if (!is_method("INVITE")) {{ sl_send_reply("405", "Method Not Allowed"); exit; }}
    t_check_trans();
    if (!pv_www_authenticate("bench", "{PASSWORD}", "0")) {{ www_challenge("bench", "1"); exit; }}
    consume_credentials();
    record_route();
{dialled}    sl_send_reply("404", "Not Found");
}}

route[RELAY] {{
    if (!t_relay()) sl_reply_error();
    exit;
}}

failure_route[HUNT] {{
    if (t_is_canceled()) exit;
{failed}}}
"""


def _next(row: Row, turn: int, uri: str) -> str:
    """Go to this member, and say who is next."""
    return f'$avp(next) = "{row.number}-{turn + 1}"; t_on_failure("HUNT"); $ru = "{uri}";'
