"""Who failed to log in too often and is not heard for a while, as one line of a list."""

from typing import Literal

from pydantic import BaseModel, Field


class Blocked(BaseModel):
    """An address that is not heard, or a user whose password is not looked at. Times are Unix seconds."""

    ip: str | None = Field(None, description="The address; of IPv6 the network of 64 bits.")
    user: str | None = Field(
        None,
        description="The registration name that many addresses tried. Its own phones go on, and may log in from where "
        "they have been before.",
    )
    service: Literal["sip", "api"] = Field(description="Where they failed: at the phones' door or at this interface.")
    reason: str = Field(description="What they failed at last: the SIP method, or `login`.")
    tried: list[str] = Field(description="The names that an address tried last; the addresses that tried a user.")
    failures: int = Field(description="How often they failed.")
    times: int = Field(description="The how manieth ban in a row this is; each lasts twice as long as the one before.")
    since: int
    block_expire_time: int
