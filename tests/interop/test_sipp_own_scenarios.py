"""The scenarios that SIPp comes with, which half the field tests with, take calls and make them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ringdove.model.story import Disposition
from support.exchange import UAS, Exchange
from support.sipp import needs_sipp, own_scenario

pytestmark = needs_sipp

CALLS, RATE = 20, 20
"""How many calls, and how many begin in a second."""


@pytest.fixture
async def exchange(tmp_path: Path) -> AsyncIterator[Exchange]:
    async with Exchange.open(tmp_path, sip_tls="127.0.0.1:0") as exchange:
        yield exchange


def with_credentials(folder: Path) -> Path:
    """SIPp's own `uac`, which knows nothing of challenges, with the answer to one put in behind its INVITE."""
    own = own_scenario("uac")
    begin = own.index("  <send retrans")
    end = own.index("</send>") + len("</send>")
    invite = own[begin:end]
    acknowledge = """
  <recv response="100" optional="true" />
  <recv response="401" auth="true" />
  <send>
    <![CDATA[

      ACK sip:[service]@[remote_ip]:[remote_port] SIP/2.0
      [last_Via:]
      From: sipp <sip:sipp@[local_ip]:[local_port]>;tag=[pid]SIPpTag00[call_number]
      [last_To:]
      Call-ID: [call_id]
      CSeq: 1 ACK
      Max-Forwards: 70
      Content-Length: 0

    ]]>
  </send>
"""
    again = invite.replace("CSeq: 1 INVITE", "CSeq: 2 INVITE\n      [authentication]")
    rest = own[end:].replace("CSeq: 1 ACK", "CSeq: 2 ACK").replace("CSeq: 2 BYE", "CSeq: 3 BYE")
    scenario = folder / "uac.xml"
    scenario.write_text(own[:end] + acknowledge + again + rest)
    return scenario


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
async def test_uac_calls_a_group_in_which_uas_answers(exchange: Exchange, tmp_path: Path, transport: str) -> None:
    alice = await exchange.person()
    (bob,) = await exchange.phones(UAS, transport=transport)
    group = await exchange.ring_group([bob], ring_timeout=5)
    host, port = exchange.doors[transport]
    uac = await exchange.sipp(
        "uac",
        *("-sf", str(with_credentials(tmp_path)), "-s", group, "-auth_uri", f"{group}@{host}:{port}"),
        *("-au", alice.reg_name, "-ap", alice.reg_password, "-m", str(CALLS), "-r", str(RATE), "-d", "200"),
        transport=transport,
    )
    assert await uac.ended() == 0, uac.story()
    assert not uac.complaints
    assert not bob.sipp.complaints
    ended = [(await exchange.house.finished_call()).disposition for _ in range(CALLS)]
    assert ended == [Disposition.ANSWERED] * CALLS
