"""A phone's subscription to waiting messages (RFC 6665, RFC 3842): what it is told goes to the phone's lamp."""

import asyncio

from ringdove.demo.lamp import lamp_of
from ringdove.demo.phone import Phone
from ringdove.net.endpoint import IncomingRequest
from ringdove.sip.dialog import Dialog, new_request
from ringdove.sip.message import Request, Response
from ringdove.sip.uri import Uri

_EVENT = ("Event", "message-summary")


class Subscription:
    """One of a phone to its own mailbox; where the server has ended it, renewing begins another."""

    def __init__(self, phone: Phone) -> None:
        self._phone = phone
        self._dialog: Dialog | None = None
        self.told = 0
        """How many NOTIFYs came."""

    async def renew(self, expires: int) -> None:
        """Have it last so many seconds from now on; 0 to end it."""
        fields = (_EVENT, ("Expires", str(expires)))
        if (dialog := self._dialog) is not None:
            response = await self._ask(dialog.request("SUBSCRIBE", headers=fields))
            if response.is_success:
                dialog.learn(response)
                return
            self._forget()
        if expires:
            await self._begin(fields)

    async def _begin(self, fields: tuple[tuple[str, str], ...]) -> None:
        phone = self._phone
        uri = Uri("sip", phone.domain, user=phone.account.number)
        request = new_request("SUBSCRIBE", uri, from_=phone.address, contact=phone.contact, headers=fields)
        response = await self._ask(request)
        if (again := phone.authorized(request, response)) is not None:
            request, response = again, await self._ask(again)
        if response.is_success:
            self._dialog = Dialog.as_uac(request, response)
            phone.endpoint.attach(self._dialog.id, self._notified)

    async def _ask(self, request: Request) -> Response:
        final: asyncio.Future[Response] = asyncio.get_running_loop().create_future()

        def take(response: Response) -> None:
            if response.is_final and not final.done():
                final.set_result(response)

        self._phone.endpoint.send_request(
            request, self._phone.hop, on_response=take, on_failure=lambda failure: take(request.reply(failure.status))
        )
        return await final

    def _notified(self, incoming: IncomingRequest) -> None:
        """A NOTIFY that comes before the answer to the SUBSCRIBE finds no dialog: the next renewal mends that."""
        request, dialog = incoming.request, self._dialog
        if dialog is None:
            incoming.reply(481)
        elif (rejection := dialog.accept(request)) is not None:
            incoming.reply(rejection.status, rejection.reason)
        else:
            incoming.respond(dialog.respond(request, 200))
            self.told += 1
            self._phone.lamp = lamp_of(request) or self._phone.lamp
            if (request.headers.get("Subscription-State") or "").startswith("terminated"):
                self._forget()

    def _forget(self) -> None:
        if self._dialog is not None:
            self._phone.endpoint.detach(self._dialog.id)
            self._dialog = None
