"""A call that a simulated phone makes."""

from typing import TYPE_CHECKING

from ringdove.net.endpoint import Failure, OutgoingRequest
from ringdove.sip.dialog import Dialog, new_request
from ringdove.sip.message import Request, Response
from ringdove.sip.sdp import SessionDescription
from ringdove.sip.uri import Uri

from .line import SDP, Ending, Line, State, audio_of, description_of

if TYPE_CHECKING:
    from .phone import Phone


class OutgoingLine(Line):
    """A call from this phone to a number of its server; made by `Phone.dial`."""

    def __init__(self, phone: "Phone", number: str) -> None:
        super().__init__(phone, number, State.CALLING, phone.hop)
        self.identified = False
        """Whether it has shown the server the password that it asks callers for."""
        self._outgoing: OutgoingRequest | None = None
        self._gave_up = False

    def dial(self) -> None:
        """Send the INVITE."""
        invite = new_request(
            "INVITE",
            Uri("sip", self.phone.domain, user=self.party),
            from_=self.phone.address,
            contact=self.phone.contact,
            body=self._offer(),
            content_type=SDP,
        )
        self.call_id = invite.call_id
        self.phone.on_change(self)
        self._send(invite)

    def hang_up(self) -> None:
        """Give up, or end the talk."""
        if self.state.is_up:
            self._bye()
        elif self._outgoing is not None and not self._gave_up:
            self._gave_up = True
            self._outgoing.cancel()

    def _send(self, invite: Request) -> None:
        self._outgoing = self.phone.endpoint.send_request(
            invite, self._hop, on_response=self._on_response, on_failure=self._on_failure
        )

    def _on_response(self, response: Response) -> None:
        assert self._outgoing is not None  # noqa: S101 - it is what was answered
        if response.is_success:
            self._on_answer(self._outgoing.request, response)
        elif response.is_final:
            again = None if self._gave_up else self.phone.authorized(self._outgoing.request, response)
            if again is not None:
                self.identified = True
                self._send(again)
            else:
                self._end(Ending.GAVE_UP if self._gave_up else Ending.REJECTED, response.status)
        elif response.status > 100 and self.state is State.CALLING:
            self._hear_of(description_of(response))

    def _hear_of(self, early: SessionDescription | None) -> None:
        """It rings there, or with a description: the server has something to play meanwhile (§13.2.1)."""
        if early is None:
            self._become(State.HEARS_RINGBACK)
        else:
            self._follow(audio_of(early))
            self._become(State.LISTENS)

    def _on_answer(self, invite: Request, response: Response) -> None:
        dialog = Dialog.as_uac(invite, response)
        credentials = [("Authorization", value) for value in invite.headers.get_all("Authorization")]  # §22.1
        self.phone.endpoint.send_ack(dialog.ack(invite.cseq.number, headers=credentials), self._hop)
        if self._dialog is not None:
            return
        answer = description_of(response)
        self._connected(dialog)
        if answer is None or self._gave_up:
            self._bye()
        else:
            self._follow(audio_of(answer))

    def _on_failure(self, failure: Failure) -> None:
        self._end(Ending.REJECTED, failure.status)
