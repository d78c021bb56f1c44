"""What a phone does that wants to be told: SUBSCRIBE, and the dialog that comes of it (RFC 6665).

lamp = await Lamp.of(phone)
notify = await lamp.told()
"""

from typing import Any, Self

from ringdove.sip.dialog import Dialog
from ringdove.sip.headers import NameAddr
from ringdove.sip.identifiers import new_call_id, new_tag
from ringdove.sip.message import Request, Response
from ringdove.sip.uri import Uri

from .phones import Fields, Phone, _answer_to

SUMMARY = "application/simple-message-summary"


async def subscribe(
    phone: Phone,
    user: str | None = None,
    *,
    event: str = "message-summary",
    expires: int | None = 600,
    password: str | None = None,
    headers: Fields = (),
    **how: Any,
) -> tuple[Request, Response]:
    """SUBSCRIBE, with the password if it is asked for; returns the last request and what became of it.

    `user` is that of the Request-URI, the phone's own by default; `how` are more fields of `Peer.request`.
    """
    name = phone.number if user is None else user
    uri = Uri("sip", "pbx.test", user=name or None)
    fields = [("Event", event)] if event else []
    fields += [("Expires", str(expires))] if expires is not None else []
    fields += headers
    person = NameAddr(Uri("sip", "pbx.test", user=phone.number)).with_param("tag", new_tag())
    more: dict[str, Any] = {"from_": person, "call_id": new_call_id(), **how}
    first = phone.request("SUBSCRIBE", uri, phone.server, cseq=1, headers=fields, **more)
    response: Response = await phone.expect(_answer_to(first))
    if response.status != 401:
        return first, response
    fields.append(("Authorization", phone.password_for(first, response, password)))
    again = phone.request("SUBSCRIBE", uri, phone.server, cseq=2, headers=fields, **more)
    return again, await phone.expect(_answer_to(again))


class Lamp:
    """One subscription of a phone."""

    def __init__(self, phone: Phone, request: Request, response: Response) -> None:
        self.phone = phone
        self.response = response
        self.dialog = Dialog.as_uac(request, response)

    @classmethod
    async def of(cls, phone: Phone, user: str | None = None, **how: Any) -> Self:
        """Subscribe; it has to be granted."""
        request, response = await subscribe(phone, user, **how)
        assert response.status == 200, response
        return cls(phone, request, response)

    async def notified(self, within: float = 2.0) -> Request:
        """Wait for a NOTIFY that is no mere repetition, and answer nothing."""
        call_id, last = self.dialog.id.call_id, self.dialog.remote_cseq or 0

        def is_next(message: Request | Response) -> bool:
            if not isinstance(message, Request) or message.method != "NOTIFY":
                return False
            return message.call_id == call_id and message.cseq.number > last

        notify: Request = await self.phone.expect(is_next, within=within)
        return notify

    async def told(self, status: int = 200, within: float = 2.0) -> Request:
        """Wait for a NOTIFY and answer it."""
        notify = await self.notified(within)
        assert self.dialog.accept(notify) is None, "out of order"
        self.phone.reply(notify, status, tag=self.dialog.id.local_tag)
        return notify

    async def refresh(self, expires: int = 600, *, event: str = "message-summary", headers: Fields = ()) -> Response:
        """SUBSCRIBE within the dialog; 0 to end it."""
        fields = [("Event", event), ("Expires", str(expires)), *headers]
        request = self.phone.stamp(self.dialog.request("SUBSCRIBE", headers=fields))
        self.phone.send(request, self.phone.server)
        response: Response = await self.phone.expect(_answer_to(request))
        self.dialog.learn(response)
        return response


def shown(notify: Request) -> tuple[str, str]:
    """What a NOTIFY has the lamp show: whether messages wait, and how many ("yes", "2/8")."""
    assert notify.content_type == SUMMARY
    said = dict(line.split(": ", 1) for line in notify.body.decode().splitlines())
    return said["Messages-Waiting"], said["Voice-Message"].removesuffix(" (0/0)")


def standing(notify: Request) -> str:
    """Its Subscription-State."""
    return notify.headers.get("Subscription-State") or ""
