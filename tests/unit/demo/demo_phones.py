"""Phones of the demo that call each other, with no server between them."""

from ringdove.demo.phone import Account, Phone
from ringdove.settings import HostPort

NOWHERE = HostPort("127.0.0.1", 9)


class Phones:
    """The phones of one test."""

    def __init__(self) -> None:
        self._on: list[Phone] = []

    async def on(self, number: str, server: Phone | None = None) -> Phone:
        """Switch on the phone of this number, which takes another one for its server, or has none."""
        at = NOWHERE if server is None else HostPort(server.hop.local_host, server.hop.local_port)
        phone = Phone(Account(number, f"Number {number}", number, "a-long-secret"), at)
        await phone.start()
        self._on.append(phone)
        return phone

    async def off(self) -> None:
        """Switch all off, the latest first."""
        while self._on:
            await self._on.pop().close()
