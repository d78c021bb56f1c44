"""Random requests made from the OpenAPI schema find no fault and no answer outside the envelope."""

import asyncio
import itertools
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

import httpx
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, assume, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance
from schemathesis.transport.serialization import Binary

from ringdove.api import Credentials, Services, create_app, ensure_application
from ringdove.api.errors import TABLE
from ringdove.api.ringgroup_examples import EXAMPLES
from ringdove.events.bus import Bus
from ringdove.guard.guard import Guard
from ringdove.media.library import Library
from ringdove.model.extension import Extension
from ringdove.model.ladder import Ladder
from ringdove.model.reference import DestinationKind
from ringdove.model.simulation import Simulation
from ringdove.model.story import Disposition, Party, Story
from ringdove.model.voicemail import Mailbox, MailboxKind, NewMessage
from ringdove.settings import Settings
from ringdove.shelf import Shelf
from ringdove.store import Store
from ringdove.store.calls import Entry
from ringdove.voicemail.mail import Mailer
from ringdove.voicemail.mailboxes import Mailboxes
from support.mail_server import MailServer

BASE = "/openapi/v1.0"
ERRMSGS = {int(row.code): row.errmsg for row in TABLE}
CALL = Story(
    id="a", started_at=1.0, caller=Party(id=3071, number="1001"), dialled="6300", disposition=Disposition.NO_ANSWER
)
NUMBERS = itertools.count(1)
PLAYLIST = {"list_type": 1, "play_order": "random"}
WAV = b"RIFF\xa4\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00" + (
    b"\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00data\x80\x00\x00\x00" + bytes(128)
)
"""64 samples of silence."""

# The schema depends on no service.
SCHEMA = schemathesis.openapi.from_dict(create_app(cast("Services", None)).openapi())


class Server(threading.Thread):
    """The interface on a free loopback port, with its own loop; `port` and `credentials` are there once ready."""

    def __init__(self, data: Path) -> None:
        super().__init__(daemon=True)
        self.ready = threading.Event()
        self.port = 0
        self.credentials: Credentials | None = None
        self.guard = Guard()
        self._settings = Settings(data=data)
        self._server: uvicorn.Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._store: Store

    def run(self) -> None:
        asyncio.run(self._serve())

    def stop(self) -> None:
        assert self._server
        self._server.should_exit = True
        self.join()

    def leave_message(self, recording: str, extension_id: int) -> int:
        """Put a message into the mailbox of an extension; returns its id."""
        assert self._loop
        new = NewMessage(caller_number="1001", time=1.0, seconds=1, digest="a" * 64, size=16_044)
        mailbox = Mailbox(MailboxKind.EXTENSION, extension_id)
        delivery = asyncio.run_coroutine_threadsafe(self._store.messages.deliver(recording, [mailbox], new), self._loop)
        return delivery.result(20)[0].id

    async def _serve(self) -> None:
        async with MailServer.open() as mail_server:
            await self._serve_with(mail_server)

    async def _serve_with(self, mail_server: MailServer) -> None:
        self._loop = asyncio.get_running_loop()
        store = self._store = await Store.open(self._settings.database_url)
        self.credentials = await ensure_application(store, self._settings)
        for number, extension_id in (("1001", 3071), ("1002", 3074), ("1003", 3075)):
            await store.extensions.create(Extension(number=number), id=extension_id)
        await store.calls.save([Entry(CALL)])

        async def simulate(_group_id: int) -> Simulation:
            return Simulation()

        audio = Library(self._settings.data / "audio")
        shelf, bus = Shelf(store, audio), Bus()
        by_mail = {"smtp": f"127.0.0.1:{mail_server.port}", "smtp_security": "none", "smtp_from": "pbx@example.com"}
        mailer = Mailer(store, shelf, audio, bus, Settings.load(data=self._settings.data, **by_mail))
        services = Services(
            store=store,
            audio=audio,
            shelf=shelf,
            mailboxes=Mailboxes(store, shelf, bus),
            settings=self._settings,
            bus=bus,
            online=lambda _: False,
            simulate=simulate,
            live_calls=list,
            destination_kinds=frozenset(DestinationKind),
            ready=lambda: True,
            mailer=mailer,
            ladder=lambda call_id: Ladder(id=call_id) if call_id == CALL.id else None,
        )
        self.guard = services.guard
        config = uvicorn.Config(create_app(services), port=0, log_config=None, lifespan="off")
        self._server = uvicorn.Server(config)
        serving = asyncio.create_task(self._server.serve())
        while not self._server.started:  # noqa: ASYNC110  # uvicorn has no event for it
            await asyncio.sleep(0)
        self.port = self._server.servers[0].sockets[0].getsockname()[1]
        self.ready.set()
        await serving
        await store.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("data"))
    server.start()
    assert server.ready.wait(20)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}{BASE}/") as client:
        yield client


@pytest.fixture(scope="module")
def login(server: Server) -> dict[str, str]:
    assert server.credentials
    return {"username": server.credentials.client_id, "password": server.credentials.client_secret}


@pytest.fixture(scope="module")
def tokens(client: httpx.Client, login: dict[str, str]) -> dict[str, dict[str, str]]:
    """Logins made before random ones get this address blocked: one to work with, and one for each to be used up."""
    return {use: client.post("get_token", json=login).json() for use in ("work", "refresh_token", "del_token")}


@dataclass
class Known:
    """What makes requests of one operation succeed, and whether one did."""

    query: dict[str, str]
    body: dict[str, Any]
    succeeded: bool = False
    asked: int = 0

    def put_into(self, case: schemathesis.Case[Any]) -> None:
        """Leave every second case as it is; of the others, every second keeps nothing random beside what is known."""
        turn, self.asked = self.asked % 4, self.asked + 1
        if turn in {0, 2}:
            case.query = (dict(case.query) if turn else {}) | self.query
            if self.body:
                case.body = (case.body if turn and isinstance(case.body, dict) else {}) | self.body


@dataclass(frozen=True)
class Administrator:
    """Makes what requests can be about."""

    client: httpx.Client
    access: dict[str, str]

    def create(self, family: str, body: dict[str, Any]) -> str:
        return str(self._succeeded(self.client.post(f"{family}/create", json=body, params=self.access))["id"])

    def upload(self, family: str, file: str, **texts: str) -> str:
        parts = {"file": (file, WAV)}
        answer = self.client.post(f"{family}/upload", files=parts, data=texts, params=self.access)
        return str(self._succeeded(answer).get("id", file))

    def _succeeded(self, answer: httpx.Response) -> dict[str, Any]:
        body: dict[str, Any] = answer.json()
        assert body["errcode"] == 0, body
        return body


@pytest.fixture
def known(
    request: pytest.FixtureRequest,
    server: Server,
    client: httpx.Client,
    login: dict[str, str],
    tokens: dict[str, dict[str, str]],
) -> Iterator[Known]:
    """Objects of its own for each operation, so that none is gone when its turn comes."""
    _, path = request.node.name.removesuffix("]").split(f"{BASE}/")
    family, _, verb = path.rpartition("/")
    number = str(7000 + next(NUMBERS))
    administrator = Administrator(client, {"access_token": tokens["work"]["access_token"]})
    create, upload = administrator.create, administrator.upload

    extension = create("extension", {"number": number})
    members = [{"value": extension, "type": "extension"}]
    group = {"name": f"Group {number}", "member_select": "sel_specific", "members": members}
    heard = {"join_prompt": f"heard {number}.wav", "welcome_prompt": f"Heard {number}", "moh": f"Heard {number}"}
    upload("custom_prompt", heard["join_prompt"])
    create("play_list", PLAYLIST | {"list_name": heard["moh"]})
    ringing = next(iter(EXAMPLES.values())) | heard | {"name": f"Ring {number}", "member_list": members}
    music = {"list_name": f"List {number}"}
    ids = {
        "extension": extension,
        "extensiongroup": create("extensiongroup", group),
        "ringgroup": create("ringgroup", ringing | {"number": str(int(number) - 1000)}),
        "calls": CALL.id,
        "play_list": create("play_list", PLAYLIST | music),
        "custom_prompt": upload("custom_prompt", f"{number}.wav"),
        "custom_ringtone": upload("custom_ringtone", f"{number}.wav"),
    }
    upload("moh_files", f"{number}.wav", **music)
    shared = {"name": "Shared", "member_list": members}
    vm_number = str(int(number) - 2000)
    ids["vm_group"] = create("vm_group", shared | {"number": vm_number})
    ids["vm_greeting"] = ids["extension_vm_greeting"] = upload("vm_greeting", f"{number}.wav", owner=vm_number)
    ids["vm"] = str(server.leave_message(number, int(extension)))
    new: dict[str, dict[str, Any]] = {
        "extension": {"number": str(int(number) + 1000)},
        "extensiongroup": group | {"name": "New"},
        "ringgroup": ringing | {"name": "New", "number": str(int(number) + 1000)},
        "play_list": PLAYLIST | {"list_name": "New"},
        "vm_group": shared | {"number": str(int(number) + 1000)},
    }
    bodies: dict[str, dict[str, Any]] = {
        "get_token": login,
        "refresh_token": {"refresh_token": tokens["refresh_token"]["refresh_token"]},
        "create": new.get(family, {}),
        "update": {"id": ids.get(family)} | ({"read": 1} if family == "vm" else {}),
        "sendemail": {"email_server": "follow_system", "recipient": ["a@example.com"], "attachments": []},
        "upload": {"file": Binary(WAV), "is_check": "force"}
        | (music if family == "moh_files" else {})
        | ({"owner": vm_number} if family.endswith("vm_greeting") else {}),
    }
    queries = {
        "del_token": {"access_token": tokens["del_token"]["access_token"]},
        "get_menuoptions": {"menu": "extension"},
        "sendemail": {},
        "query": {"ids": ids.get(family, "")},
        "list": {},
        "search": {},
        "upload": {},
        "play": {"file": f"{number}.wav"},
    }
    for _ in range(server.guard.rules.sources.failures):
        server.guard.failed(("udp", "192.0.2.7", 5060), number, "REGISTER", time.time(), exists=False)
    query = queries.get(verb, {"id": ids.get(family, "")})
    if path == "vm/query":
        query = {"ext_id": extension}
    if path.endswith("vm_greeting/list"):
        query = {"extension": vm_number}
    if family.startswith(("vm", "extension_vm")) and verb == "play":
        query = {"id": ids[family]}
    if path == "blocked_ip/delete":
        query = {"ip": "192.0.2.7"}
    if family == "call_log":
        query = {"ext_id": extension}
    if family == "moh_files":
        query = music | {"file": f"{number}.wav"}
    known = Known(query, bodies.get(verb, {}))
    yield known
    assert known.succeeded, f"no request to {path} was ever good"


@SCHEMA.parametrize()
@settings(
    max_examples=12,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_inside_the_envelope_and_each_operation_can_succeed(
    case: schemathesis.Case[Any], server: Server, tokens: dict[str, dict[str, str]], known: Known
) -> None:
    known.put_into(case)
    # Only del_token must not get the good token: it would end the run.
    mine = {} if case.path.endswith("/del_token") else {"access_token": tokens["work"]["access_token"]}
    # The HTTP parser itself refuses a request line of 64 KB.
    assume(len(urlencode(case.query)) < 60_000)
    response = case.call(base_url=f"http://127.0.0.1:{server.port}", params=mine)
    case.validate_response(response, checks=[not_a_server_error, response_schema_conformance, content_type_conformance])
    assert response.status_code == 200
    answer = response.json()
    assert ERRMSGS[answer["errcode"]] == answer["errmsg"]
    known.succeeded |= answer["errcode"] == 0
    if answer["errcode"] == 40002:
        assert answer["invalid_param_list"]
