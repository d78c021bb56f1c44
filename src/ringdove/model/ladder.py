"""The SIP messages of one call as data, for who compares them with what phones or other tools show.

Times are seconds since the call came, as in its story; what came before (the INVITE that was challenged) is negative.
"""

from typing import Literal

from pydantic import BaseModel, Field

from .story import Party


class LadderLeg(BaseModel):
    """One SIP dialog of the call, and who is at its other end."""

    leg: str
    sip_call_id: str
    party: Party


class LadderMessage(BaseModel):
    """One message, without its secrets."""

    time: float
    direction: Literal["in", "out"]
    """As the server sees it."""
    leg: str
    source: str
    """Transport, address and port: `udp:192.0.2.1:5060`."""
    destination: str
    start_line: str
    method: str
    """Of a response that of its request."""
    repeated: bool = False
    """The same message was there before."""
    text: str
    """As a whole. Of a message that came, field names are written in full, whatever the phone wrote."""


class Ladder(BaseModel):
    """The messages of one call in the order in which they came and went."""

    id: str
    legs: list[LadderLeg] = Field(default_factory=list)
    messages: list[LadderMessage] = Field(default_factory=list)
    left_out: int = 0
    """How many more there were than are kept of one call."""
    drawing: str = ""
    """The ladder, drawn as text."""
