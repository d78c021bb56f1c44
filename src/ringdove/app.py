"""The composition root: the only place that knows every part of a running server."""

import fcntl
import os
import secrets
import socket
import time
from contextlib import AsyncExitStack, suppress
from functools import partial
from pathlib import Path

import structlog

from ringdove import gauges
from ringdove.api import Services, create_app, ensure_application, ensure_cli_application
from ringdove.api.credentials import Credentials
from ringdove.api.lockout import Lockout
from ringdove.api.server import HttpServer, listen
from ringdove.calls.board import Board
from ringdove.calls.destinations import KINDS
from ringdove.calls.sounds import Sounds
from ringdove.calls.switchboard import Switchboard
from ringdove.events.bus import Bus
from ringdove.events.types import Banned
from ringdove.guard.bans import Ban
from ringdove.guard.guard import Guard
from ringdove.media import sounds
from ringdove.media.embedded.engine import EmbeddedEngine
from ringdove.media.library import Library
from ringdove.media.speech import LanguageMissing, Speech
from ringdove.model.audio import SYSTEM_PLAYLIST, Audio, Ringtone
from ringdove.net.addresses import free_port, own_addresses
from ringdove.net.endpoint import TRANSPORTS, Endpoint, IncomingRequest, Timers
from ringdove.net.tls import Contexts, TlsTransport
from ringdove.notifier import MessageSummary, Notifier
from ringdove.registrar.authentication import Authenticator
from ringdove.registrar.doorman import Doorman
from ringdove.registrar.index import flow_of
from ringdove.registrar.keepalive import KeepAlive
from ringdove.registrar.registrar import Registrar
from ringdove.settings import HostPort, Settings, check_host
from ringdove.shelf import Shelf
from ringdove.sip.digest import Realm
from ringdove.store import Store
from ringdove.voicemail.mail import Mailer
from ringdove.voicemail.mailboxes import Mailboxes
from ringdove.voicemail.postbox import Postbox
from ringdove.watch.calls import CallNumbers
from ringdove.watch.homer import Homer
from ringdove.watch.metrics import Metrics
from ringdove.watch.recorder import Recorder
from ringdove.watch.traffic import Traffic

log = structlog.get_logger(__name__)

REALM = "ringdove"


class CannotStart(OSError):
    """Something outside stands in the way of a start; the text says what, for the operator."""


class CannotListen(CannotStart):
    """An address is taken, or not ours; the text names it."""


class Node:
    """One running Ringdove: SIP, HTTP and media, wired together.

    `http`, `sip` and `sip_tls` say where it listens; where a setting asks for port 0 they are known once it has
    started.
    `new_application` is the API application, where this start made one. `timers` are those of SIP transactions, for
    who cannot wait as long as RFC 3261 does. A `lean` node starts slower where the database has to be brought up to
    date, and needs less memory from then on.
    """

    def __init__(self, settings: Settings, *, timers: Timers | None = None, lean: bool = False) -> None:
        self.settings = settings
        self._timers = timers
        self._lean = lean
        self.http = settings.http
        self.sip = settings.sip
        self.sip_tls: HostPort | None = None
        self.new_application: Credentials | None = None
        self.store: Store
        self.audio: Library
        self.speech: Speech
        self.shelf: Shelf
        self.mailboxes: Mailboxes
        self.media: EmbeddedEngine
        self.registrar: Registrar
        self.notifier: Notifier
        self.postbox: Postbox
        self.switchboard: Switchboard
        self.mailer: Mailer | None = None
        self.guard = Guard(settings.guard_rules)
        self.lockout = Lockout()
        self.metrics = Metrics()
        self._ready = False
        self._parts = AsyncExitStack()

    async def start(self) -> None:
        """Bring everything up; returns when calls are taken. What had started is stopped where a part fails.

        Everything that can be taken by somebody else is taken before the store is written to, so that a start in vain
        leaves no traces. Until calls are taken SIP requests are answered 503, and HTTP requests wait.

        Raises OSError, of which CannotStart says in words what stands in the way, and DBAPIError.
        """
        settings = self.settings
        try:
            self._take_data_folder()
            self.store = await Store.open(settings.database_url, lean=self._lean)
            self._parts.push_async_callback(self.store.close)
            listener = await self._listen()
            await self._open_audio()
            self.new_application = await ensure_application(self.store, settings)
            await ensure_cli_application(self.store, settings.data)
            await self._start_sip()
            await self._start_http(listener)
        except BaseException:
            await self.stop()
            raise
        self._ready = True
        settings.running.write_text(f"{_reachable(self.http)}\n")
        self._parts.callback(settings.running.unlink, missing_ok=True)

    async def drain(self, patience: float) -> None:
        """Take no new calls; running ones end by themselves, or are ended after `patience` seconds."""
        self._ready = False
        await self.switchboard.drain(patience)
        await self.notifier.drain()

    async def stop(self) -> None:
        """End every part, last started first."""
        self._ready = False
        await self._parts.aclose()

    def _take_data_folder(self) -> None:
        """Keep every other server out of the data folder, for as long as this process lives or until the stop."""
        data = self.settings.data
        data.mkdir(parents=True, exist_ok=True, mode=0o700)  # it holds secrets
        lock = os.open(data / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        self._parts.callback(os.close, lock)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStart(f"a server already runs with the data folder {data}") from None

    async def _listen(self) -> socket.socket:
        """Take every address; returns the listener of the API."""
        settings = self.settings
        transports = dict(TRANSPORTS)
        if settings.sip_tls is not None:
            transports["tls"] = partial(TlsTransport.listen, _certificate(settings, settings.sip_tls.host))
        self.endpoint = Endpoint(
            advertise=settings.advertise,
            timers=self._timers,
            transports=transports,
            large_over_tcp=settings.large_over_tcp,
        )
        self._parts.push_async_callback(self.endpoint.close)
        try:
            self.sip = settings.sip._replace(port=settings.sip.port or free_port(settings.sip.host))
        except OSError as error:
            raise CannotListen(f"SIP cannot listen on {settings.sip}: {error.strerror or error}") from None
        for transport in ("udp", "tcp"):
            try:
                await self.endpoint.listen(transport, *self.sip)
            except OSError as error:
                raise CannotListen(f"SIP cannot listen on {self.sip}, {transport}: {error.strerror}") from None
        if settings.sip_tls is not None:
            try:
                self.sip_tls = HostPort(*await self.endpoint.listen("tls", *settings.sip_tls))
            except OSError as error:
                raise CannotListen(f"SIP cannot listen on {settings.sip_tls}, tls: {error.strerror}") from None
        try:
            listener = listen(*settings.http)
        except OSError as error:
            why = str(error.strerror).partition(" (while")[0]  # the address again
            raise CannotListen(f"the API cannot listen on {settings.http}: {why}") from None
        self._parts.callback(listener.close)
        self.http = HostPort(settings.http.host, int(listener.getsockname()[1]))
        return listener

    async def _open_audio(self) -> None:
        """Open the library of sounds: enter those that come along, and drop what a crash left without a name."""
        try:
            self.speech = Speech.open(self.settings.language)
        except LanguageMissing as error:
            raise CannotStart(str(error)) from None
        self.audio = Library(self.settings.data / "audio")
        self.shelf = Shelf(self.store, self.audio)
        ringtones = [
            Ringtone(file=tone.name, digest=await self.audio.refer(tone), seconds=0, size=tone.stat().st_size)
            for tone in sounds.RINGTONES
        ]
        music: list[Audio] = []
        if await self.store.playlists.by_name(SYSTEM_PLAYLIST) is None:
            for track in sounds.MUSIC:
                kept = await self.audio.adopt(track)
                name = f"{track.name}{kept.suffix}"
                music.append(Audio(file=name, digest=kept.digest, seconds=kept.seconds, size=kept.size))
        await self.store.sounds.keep_built_ins(ringtones, music)
        await self.audio.sweep(await self.store.sounds.digests())

    async def _start_sip(self) -> None:
        settings = self.settings
        self.bus = Bus()
        if settings.smtp is not None:
            self.mailer = Mailer(self.store, self.shelf, self.audio, self.bus, settings)
            self._parts.push_async_callback(self.mailer.close)
            self.mailer.start()
        ports = range(settings.rtp_ports.first, settings.rtp_ports.last + 1)
        self.media = EmbeddedEngine(
            settings.sip.host, ports, advertise=own_addresses(settings.sip.host, settings.advertise)
        )
        self._parts.push_async_callback(self.media.stop)
        await self.media.start()

        self.mailboxes = Mailboxes(self.store, self.shelf, self.bus)
        self.postbox = Postbox(self.store, self.shelf, self.bus, settings)
        self._parts.push_async_callback(self.postbox.close)
        await self.postbox.start()

        authenticator = Authenticator(self.store, Realm(REALM), self.guard)
        self.registrar = Registrar(self.store, authenticator, self.bus)
        self._parts.push_async_callback(self.registrar.close)
        self.endpoint.on_flow_closed(self.registrar.on_flow_closed)
        await self.registrar.start()
        for binding in self.registrar:
            self.guard.vouch(flow_of(binding), time.time())
        self.notifier = Notifier(
            self.endpoint,
            self.bus,
            [MessageSummary(self.store, settings.vm_code)],
            authenticate=authenticator.check,
            extension=self.store.extensions.get,
            bindings=self.registrar.bindings,
        )
        self._parts.push_async_callback(self.notifier.close)
        self.notifier.start()
        self.endpoint.door = Doorman(self.guard, authenticator, lambda: self._ready, events=self.notifier.events)

        board = Board(
            node=_name_of_node(settings.node),
            endpoint=self.endpoint,
            media=self.media,
            store=self.store,
            bus=self.bus,
            settings=settings,
            sounds=Sounds(self.store, self.audio, settings.moh, self.speech),
            postbox=self.postbox,
            mailboxes=self.mailboxes,
            authenticate=authenticator.check,
            bindings=self.registrar.bindings,
        )
        self.switchboard = Switchboard(board)
        self._watch(board)
        self._parts.push_async_callback(self.switchboard.close)
        await self.switchboard.start()
        self.endpoint.on_request = self._dispatch
        keep_alive = KeepAlive(self.endpoint, self.registrar)
        self._parts.push_async_callback(keep_alive.close)
        keep_alive.start()

    async def _start_http(self, listener: socket.socket) -> None:
        services = Services(
            store=self.store,
            audio=self.audio,
            shelf=self.shelf,
            mailboxes=self.mailboxes,
            settings=self.settings,
            bus=self.bus,
            online=lambda extension_id: bool(self.registrar.bindings(extension_id)),
            simulate=self.switchboard.simulate,
            live_calls=self.switchboard.stories,
            destination_kinds=frozenset(KINDS),
            ready=lambda: self._ready,
            undelivered=self.postbox.undelivered,
            mailer=self.mailer,
            metrics=self.metrics,
            ladder=self._recorder.ladder,
            guard=self.guard,
            lockout=self.lockout,
            guesses=self._guesses,
        )
        server = HttpServer(create_app(services))
        self._parts.push_async_callback(server.close)
        await server.open(listener)

    def _watch(self, board: Board) -> None:
        """Let operators see what goes on: the numbers of every part, and SIP messages."""
        CallNumbers(self.metrics, self.bus)
        self.endpoint.observers.append(Traffic(self.metrics))
        self._recorder = Recorder(self.bus, self.settings.ladder)
        if self.settings.ladder:
            self.endpoint.observers.append(self._recorder)
        if (collector := self.settings.hep) is not None:
            password = self.settings.hep_password
            key = password.get_secret_value() if password is not None else ""
            homer = Homer(self.bus, collector, agent=self.settings.hep_id, key=key)
            self._parts.push_async_callback(homer.close)
            homer.start()
            self.endpoint.observers.append(homer)
            gauges.show_hep(self.metrics, homer)
        if self.mailer is not None:
            gauges.show_mail(self.metrics, self.mailer)
        gauges.show_process(self.metrics)
        gauges.show_sip(self.metrics, self.endpoint)
        gauges.show_registrations(self.metrics, self.registrar)
        doors = {"sip": self.guard.bans, "sip_user": self.guard.users, "api": self.lockout.bans}
        doors["mailbox"] = self._guesses = board.guesses
        for door, bans in doors.items():
            bans.on_ban = partial(self._banned, door)
        gauges.show_subscriptions(self.metrics, self.notifier)
        gauges.show_guard(self.metrics, self.guard, doors)
        gauges.show_calls(self.metrics, self.switchboard, board)
        gauges.show_letters(self.metrics, self.postbox)
        gauges.show_media(self.metrics, self.media)
        gauges.show_ladder(self.metrics, self._recorder)

    def _banned(self, door: str, ban: Ban) -> None:
        how = {"reason": ban.reason, "failures": ban.failures, "tried": ban.tried, "times": ban.times}
        log.warning("banned", door=door, who=ban.source, seconds=round(ban.until - ban.since), **how)
        self.bus.publish(Banned(door, ban))

    def _dispatch(self, incoming: IncomingRequest) -> None:
        """Requests outside dialogs, by method; the doorman lets no others in."""
        match incoming.request.method:
            case "REGISTER":
                self.registrar.handle(incoming)
            case "INVITE":
                self.switchboard.handle(incoming)
            case "SUBSCRIBE":
                self.notifier.handle(incoming)


def _name_of_node(file: Path) -> str:
    """What tells this node from all others; given at its first start, and kept."""
    with suppress(FileNotFoundError):
        if name := file.read_text().strip():
            return name
    name = secrets.token_hex(8)
    with file.open("w") as out:  # on the disk before a record bears it, or nobody would close that after a power cut
        out.write(f"{name}\n")
        out.flush()
        os.fsync(out.fileno())
    return name


def _reachable(address: HostPort) -> HostPort:
    """Where this machine itself finds a listener."""
    loopback = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - looked up, not bound
    return address._replace(host=loopback.get(address.host, address.host))


def _certificate(settings: Settings, host: str) -> Contexts:
    """The certificate of the settings or, where they name none, our own; raises CannotStart."""
    # 11 MB that nobody needs without TLS
    from ringdove.net.certificate import Certificate, CertificateError  # noqa: PLC0415
    from ringdove.net.self_signed import self_signed  # noqa: PLC0415

    try:
        if settings.tls_certificate is not None and settings.tls_key is not None:
            return Certificate(settings.tls_certificate, settings.tls_key)
        names = [settings.advertise, *own_addresses(host, None), _own_name()]
        return Certificate(*self_signed(settings.keys, filter(None, names)))
    except CertificateError as error:
        raise CannotStart(f"no certificate for TLS: {error}") from None


def _own_name() -> str | None:
    with suppress(ValueError):
        return check_host(socket.gethostname())
    return None
