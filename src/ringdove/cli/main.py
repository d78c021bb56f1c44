"""The commands and their flags."""

import asyncio
import importlib.metadata
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
import uvloop
from rich.console import Console

from ringdove.settings import Settings, SettingsError

app = typer.Typer(
    help="Ringdove, a self-hosted call server (PBX) for SIP phones.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Data = Annotated[Path | None, typer.Option(help="The folder for everything that is kept.  [./data]")]
Config = Annotated[Path | None, typer.Option(help="A TOML file with settings.")]


@app.command()
def serve(
    config: Config = None,
    data: Data = None,
    http: Annotated[str | None, typer.Option(help="Where the API listens.  [127.0.0.1:8088]")] = None,
    sip: Annotated[str | None, typer.Option(help="Where SIP listens, UDP and TCP.  [127.0.0.1:5060]")] = None,
    sip_tls: Annotated[str | None, typer.Option(help="Where SIP listens, TLS; not at all by default.")] = None,
    rtp_ports: Annotated[str | None, typer.Option(help="UDP ports for audio.  [30000-39999]")] = None,
    advertise: Annotated[
        str | None, typer.Option(help="The address in SDP, Contact and Via, where it is not the one bound to.")
    ] = None,
    database: Annotated[str | None, typer.Option(help="SQLAlchemy URL.  [SQLite in the data folder]")] = None,
    sample_data: Annotated[
        bool, typer.Option("--sample-data", help="Fill an empty database with a few extensions.")
    ] = False,
) -> None:
    """Keep a server up. Every setting can also come from RINGDOVE_* or a TOML file."""
    from .serve import run  # noqa: PLC0415 - the other commands start faster without the server's imports

    settings = _settings(
        config=config,
        data=data,
        http=http,
        sip=sip,
        sip_tls=sip_tls,
        rtp_ports=rtp_ports,
        advertise=advertise,
        database=database,
    )
    sys.exit(uvloop.run(run(settings, sample_data=sample_data)))


@app.command()
def demo() -> None:
    """Ring simulated phones with ring groups made over HTTP, and draw who rang and heard what when."""
    from ringdove.demo.show import show  # noqa: PLC0415 - as above

    sys.exit(uvloop.run(show(Console())))


@app.command()
def simulate(
    ring_group: Annotated[str, typer.Argument(help="The number of a ring group.")],
    config: Config = None,
    data: Data = None,
) -> None:
    """Show who would ring from when to when if somebody dialled the ring group now, and who would not and why."""
    from .ask import simulate as ask  # noqa: PLC0415 - as above

    sys.exit(asyncio.run(ask(_settings(config=config, data=data), ring_group, Console())))


@app.command()
def calls(
    call: Annotated[str | None, typer.Argument(help="One call, to be drawn; without it the latest are listed.")] = None,
    number: Annotated[int, typer.Option("-n", "--number", min=1, max=1000, help="How many to list.")] = 20,
    log: Annotated[str | None, typer.Option("--log", help="List what the calls were for this extension.")] = None,
    ladder: Annotated[bool, typer.Option("--ladder", help="Draw the SIP messages of the call instead.")] = False,
    raw: Annotated[bool, typer.Option("--raw", help="Print its SIP messages as a whole, secrets masked.")] = False,
    config: Config = None,
    data: Data = None,
) -> None:
    """List the latest calls, or draw one: who was rung from when to when, who answered, who was skipped and why.

    With --log, list what they were for one extension: in or out, answered, missed, answered elsewhere.
    """
    from .ask import call_log, messages  # noqa: PLC0415 - as above
    from .ask import calls as ask  # noqa: PLC0415 - as above

    if log is not None:
        if call is not None or ladder or raw:
            raise typer.BadParameter("goes with no single call", param_hint="--log")
        sys.exit(asyncio.run(call_log(_settings(config=config, data=data), log, number, Console())))
    if ladder or raw:
        if call is None:
            raise typer.BadParameter("wants the id of a call", param_hint="--ladder" if ladder else "--raw")
        sys.exit(asyncio.run(messages(_settings(config=config, data=data), call, Console(), raw=raw)))
    sys.exit(asyncio.run(ask(_settings(config=config, data=data), call, number, Console())))


@app.command()
def blocked(config: Config = None, data: Data = None) -> None:
    """List who failed to log in too often and is not heard for a while: addresses, users that many tried, mailboxes."""
    from .ask import blocked as ask  # noqa: PLC0415 - as above

    sys.exit(asyncio.run(ask(_settings(config=config, data=data), Console())))


@app.command()
def unblock(
    who: Annotated[str, typer.Argument(help="As listed by `ringdove blocked`: an address, a user, a mailbox.")],
    config: Config = None,
    data: Data = None,
) -> None:
    """Let somebody in again who is blocked."""
    from .ask import unblock as ask  # noqa: PLC0415 - as above

    sys.exit(asyncio.run(ask(_settings(config=config, data=data), who, Console())))


@app.command()
def voicemail(config: Config = None, data: Data = None) -> None:
    """List the mailboxes in which there is something, how much of it is new, and how much could not be delivered."""
    from .ask import voicemail as ask  # noqa: PLC0415 - as above

    sys.exit(asyncio.run(ask(_settings(config=config, data=data), Console())))


@app.command()
def version() -> None:
    """Say which version this is."""
    typer.echo(importlib.metadata.version("ringdove"))


def _settings(**flags: Any) -> Settings:
    try:
        return Settings.load(**flags)
    except SettingsError as broken:
        typer.echo(f"ringdove: these settings cannot be used\n{broken}", err=True)
        raise typer.Exit(2) from None


def main() -> None:
    """Run the command line."""
    app()
