"""Switches that hold for the whole system."""

from pydantic import BaseModel, ConfigDict


class Options(BaseModel):
    """`enb_transfer_to_voicemail`: whether members may send a ringing group's call to their own mailbox."""

    model_config = ConfigDict(frozen=True)

    enb_transfer_to_voicemail: bool = False
