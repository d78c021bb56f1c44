"""A SUBSCRIBE as the notifier reads it, and what becomes of the subscription: granted, refused, told, over."""

from collections.abc import Sequence

from ringdove.notifier.package import Topic
from ringdove.notifier.request import LONGEST, SHORTEST, accepts, granted
from ringdove.notifier.subscriptions import Action, Notify, Over, Read, Subscriptions
from ringdove.sip.dialog import Dialog
from ringdove.sip.event import Event
from ringdove.sip.headers import Headers
from ringdove.sip.hop import Hop
from ringdove.sip.message import Request
from ringdove.sip.parser import NoMessage, parse
from ringdove.sip.reach import reach
from ringdove.sip.uri import Uri
from ringdove.sip.validator import Rejection, check_request

HEAD = (
    b"SUBSCRIBE sip:1001@ringdove SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5070;rport;branch=z9hG4bK1\r\n"
    b"From: <sip:1001@ringdove>;tag=1\r\nTo: <sip:1001@ringdove>\r\nCall-ID: 1\r\nCSeq: "
)
SEEDS: Sequence[bytes] = (
    b"1 SUBSCRIBE\r\nContact: <sip:a@192.0.2.1:5070>\r\nEvent: message-summary\r\nExpires: 600",
    b"1 SUBSCRIBE\r\nm: <sip:a@192.0.2.1;transport=tcp>\r\no: message-summary;id=7\r\nExpires: 0\r\nAccept: */*",
    b"\0".join(
        [
            b"1 SUBSCRIBE\r\nContact: <sip:a@b>\r\nRecord-Route: <sip:e;lr>\r\nEvent: message-summary",
            b"2 SUBSCRIBE\r\nContact: <sip:c@d>\r\nEvent: message-summary\r\nExpires: 99999",
            b"3 SUBSCRIBE\r\nContact: <sip:c@d>\r\nEvent: message-summary\r\nExpires: 0",
        ]
    ),
)
WORDS: Sequence[bytes] = (
    *(b"SUBSCRIBE\r\nContact: <sip:", b"\r\nEvent: message-summary", b"\r\nExpires: ", b"59", b"60", b"7201", b";id="),
    *(b"\r\nAccept: application/simple-message-summary", b"\r\nRecord-Route: <sip:", b";lr>", b'"', b"\x00"),
)
TOPIC = Topic("message-summary", 1)
SOURCE = Hop("udp", "192.0.2.1", 5070, "192.0.2.9", 5060)
HERE = Uri.parse("sip:192.0.2.9:5060")


def check(data: bytes) -> None:
    """Several of them for one dialog, NUL between; each goes on behind HEAD."""
    desk = _Desk()
    for part in data.split(b"\0")[:16]:
        desk.now += 30
        try:
            request = parse(HEAD + part + b"\r\n\r\n")
        except NoMessage:
            continue
        if isinstance(request, Request) and request.method == "SUBSCRIBE" and check_request(request) is None:
            desk.take(request)


class _Desk:
    """One dialog at most."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.subscriptions = Subscriptions()
        self.dialog: Dialog | None = None

    def take(self, request: Request) -> None:
        event, seconds = Event.of(request), granted(request)
        assert Event.of(Request("NOTIFY", "sip:a@b", _event(event))) == event
        accepts(request, "application/simple-message-summary")
        if isinstance(seconds, Rejection):
            assert (seconds.status, seconds.headers) == (423, (("Min-Expires", str(SHORTEST)),))
            return
        if self.dialog is None and not request.contacts:
            return
        assert seconds == 0 or SHORTEST <= seconds <= LONGEST
        dialog = self.dialog
        if dialog is None:
            reach((request.record_routes or request.contacts)[0].uri, request, SOURCE)
            dialog = self.dialog = Dialog.as_uas(request, "ours", HERE)
            actions = self.subscriptions.begin(dialog.id, 1, TOPIC, seconds, self.now)
        elif self.subscriptions.is_live(dialog.id) and dialog.accept(request) is None:
            actions = self.subscriptions.refresh(dialog.id, seconds, self.now)
        else:
            return
        assert parse(dialog.respond(request, 200, headers=[("Expires", str(seconds))]).to_bytes())
        self.perform(dialog, actions)

    def perform(self, dialog: Dialog, actions: Sequence[Action]) -> None:
        for action in actions:
            match action:
                case Read(topic):
                    self.perform(dialog, self.subscriptions.learn(topic, "state", self.now))
                case Notify():
                    notify = dialog.request("NOTIFY", headers=[("Subscription-State", action.standing)])
                    assert isinstance(parse(notify.to_bytes()), Request)
                    self.perform(dialog, self.subscriptions.answered(dialog.id, 200, self.now))
                case Over():
                    self.dialog = None


def _event(event: Event) -> Headers:
    return Headers([("Event", str(event))])
