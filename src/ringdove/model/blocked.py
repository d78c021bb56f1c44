"""Who failed to log in too often and is not heard for a while, as one line of a list."""

from typing import Literal

from pydantic import BaseModel, Field


class Blocked(BaseModel):
    """An address that is not heard, a user whose password is not looked at, or a lock of mailboxes. Times are Unix
    seconds.
    """

    ip: str | None = Field(None, description="The address; of IPv6 the network of 64 bits.")
    user: str | None = Field(
        None,
        description="The registration name that many addresses tried. Its own phones go on, and may log in from where "
        "they have been before. Or `extension` and the number of one that guessed at PINs of mailboxes, `mailbox` and "
        "the number of one that was guessed at.",
    )
    service: Literal["sip", "api", "mailbox"] = Field(
        description="Where they failed: at the phones' door, at this interface, or dialling into a mailbox."
    )
    reason: str = Field(description="What they failed at last: the SIP method, `login`, or `pin`.")
    tried: list[str] = Field(
        description="The names that an address tried last; the addresses that tried a user; the mailboxes that an "
        "extension tried, the extensions that tried a mailbox."
    )
    failures: int = Field(description="How often they failed.")
    times: int = Field(description="The how manieth ban in a row this is; each lasts twice as long as the one before.")
    since: int
    block_expire_time: int
