"""What the endpoint sends over UDP, what comes of it, and the addresses that it shows."""

import asyncio
import socket
from collections.abc import Callable

import pytest
import uvloop

from ringdove.net.endpoint import Endpoint, Failure, Hop, Timers
from ringdove.sip.dialog import Dialog, new_request
from ringdove.sip.message import Response
from ringdove.sip.uri import Uri
from support.peer import Peer
from support.ports import free_port
from wire.endpoint.desk import FAST, US, Desk


class TestOutgoing:
    async def test_R11_a_request_leaves_in_the_same_turn_of_the_loop(self, desk: Desk) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("127.0.0.1", 0))
            sock.setblocking(False)
            host, port = sock.getsockname()
            hop = Hop("udp", host, port, *desk.address)
            request = new_request("INVITE", Uri("sip", "127.0.0.1"), from_=US)
            put = desk.results.put_nowait
            desk.endpoint.send_request(request, hop, on_response=put, on_failure=put)
            assert sock.recv(65535).startswith(b"INVITE sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:")
        assert "Via" not in request.headers

    async def test_lost_packets_are_sent_again(self, desk: Desk, phone: Peer) -> None:
        phone.lose("INVITE", 2)
        desk.send("INVITE", phone)
        phone.reply(await phone.expect("INVITE"), 486)
        assert await desk.status() == 486
        await phone.expect("ACK")
        assert phone.count("INVITE") >= 3

    async def test_a_lost_ACK_is_sent_again_and_the_repeated_answer_goes_no_further(
        self, desk: Desk, phone: Peer
    ) -> None:
        outgoing = desk.send("INVITE", phone)
        invite = await phone.expect("INVITE")
        phone.lose("ACK")
        phone.reply(invite, 200)
        ok = await desk.result()
        assert isinstance(ok, Response)
        ack = Dialog.as_uac(outgoing.request, ok).ack(ok.cseq.number)
        desk.endpoint.send_ack(ack, outgoing.hop)
        phone.reply(invite, 200)
        assert (await phone.expect("ACK")).via.branch != outgoing.request.via.branch
        assert phone.count("ACK") == 2
        assert desk.results.empty()

    async def test_R4_a_200_that_crosses_the_CANCEL_reaches_the_owner(self, desk: Desk, phone: Peer) -> None:
        outgoing = desk.send("INVITE", phone)
        invite = await phone.expect("INVITE")
        phone.reply(invite, 180)
        assert await desk.status() == 180
        outgoing.cancel([("Reason", "SIP;cause=200")])
        phone.reply(invite, 200)
        assert await desk.status() == 200
        cancel = await phone.expect("CANCEL")
        assert cancel.headers.get("Reason") == "SIP;cause=200"
        assert cancel.via.branch == invite.via.branch
        phone.reply(cancel, 481)
        await phone.expect_none("CANCEL", within=3 * FAST.t1)
        assert desk.results.empty()

    async def test_a_CANCEL_waits_for_a_phone_that_has_said_nothing_yet(self, desk: Desk, phone: Peer) -> None:
        outgoing = desk.send("INVITE", phone)
        invite = await phone.expect("INVITE")
        outgoing.cancel()
        await phone.expect("INVITE")  # repeated meanwhile
        assert phone.count("CANCEL") == 0
        phone.reply(invite, 100)
        phone.reply(await phone.expect("CANCEL"), 200)
        phone.reply(invite, 487)
        await phone.expect("ACK")
        assert [await desk.status(), await desk.status()] == [100, 487]

    async def test_two_forked_answers_both_come_up(self, desk: Desk, phone: Peer) -> None:
        desk.send("INVITE", phone)
        invite = await phone.expect("INVITE")
        phone.reply(invite, 200, tag="one")
        phone.reply(invite, 200, tag="two")
        results = [await desk.result(), await desk.result()]
        assert {result.to.tag for result in results if isinstance(result, Response)} == {"one", "two"}

    async def test_a_datagram_too_long_to_send_is_lost_alone(self, desk: Desk, phone: Peer) -> None:
        desk.send("OPTIONS", phone)
        huge = new_request("INFO", phone.uri, from_=US, body=b"x" * 70_000, content_type="text/plain")
        put = desk.results.put_nowait
        desk.endpoint.send_request(huge, desk.hop(phone), on_response=put, on_failure=put)
        phone.reply(await phone.expect("OPTIONS"), 200)
        assert await desk.status() == 200
        assert await desk.result() is Failure.TIMEOUT

    async def test_silence_ends_in_a_timeout(self, desk: Desk, phone: Peer) -> None:
        desk.send("OPTIONS", phone)
        assert await desk.result() is Failure.TIMEOUT
        assert phone.count("OPTIONS") > 5

    async def test_a_response_from_a_broken_phone_is_dropped(self, desk: Desk, phone: Peer) -> None:
        desk.send("OPTIONS", phone)
        options = await phone.expect("OPTIONS")
        broken = options.reply(200, to_tag="x")
        broken.headers.remove("CSeq")
        phone.send(broken)
        phone.reply(options, 200)
        assert await desk.status() == 200
        assert desk.endpoint.dropped == {"response": 1}


@pytest.mark.skipif("sys.platform != 'linux'", reason="only Linux tells who refused a datagram")
@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_an_unplugged_phone_on_this_host_fails_at_once_and_disturbs_nobody(
    new_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    async def scenario() -> None:
        desk = await Desk.open(timers=Timers())
        gone = await Peer.udp()
        await gone.close()
        async with await Peer.udp() as phone:
            for _ in range(3):  # the refusal of one datagram must not cost the next, to somebody else
                desk.send("INVITE", gone)
                outgoing = desk.send("INVITE", phone)
                assert await desk.result() is Failure.TRANSPORT
                invite = await phone.expect("INVITE")
                assert invite.via.branch == outgoing.request.via.branch
            phone.reply(invite, 486)
            assert await desk.status() == 486
        await desk.endpoint.close()

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(scenario())


class TestAddresses:
    async def test_the_advertised_host_stands_in_Via_and_Contact(self, phone: Peer) -> None:
        desk = await Desk.open(advertise="pbx.example.test")
        outgoing = desk.send("OPTIONS", phone)
        via = outgoing.request.via
        assert (via.host, via.port, via.param("rport")) == ("pbx.example.test", desk.address[1], "")
        assert str(desk.endpoint.contact(outgoing.hop, "6300")) == f"sip:6300@pbx.example.test:{desk.address[1]}"
        await desk.endpoint.close()

    async def test_an_advertised_address_is_told_to_peers_of_its_version_only(self) -> None:
        endpoint = Endpoint(advertise="192.0.2.9")
        host, port = await endpoint.listen("udp", "::", free_port())
        assert endpoint.contact(Hop("udp", "127.0.0.1", 5060, "0.0.0.0", port)).host == "192.0.2.9"
        assert endpoint.contact(Hop("udp", "::1", 5060, host, port)).host == "[::1]"
        await endpoint.close()

    async def test_a_listener_on_all_addresses_shows_the_one_that_leads_to_the_peer(self, phone: Peer) -> None:
        endpoint = Endpoint()
        host, port = await endpoint.listen("udp", "0.0.0.0", 0)
        assert str(endpoint.contact(Hop("udp", phone.host, phone.port, host, port))) == f"sip:127.0.0.1:{port}"
        await endpoint.close()

    async def test_a_flow_over_a_listener_of_an_earlier_run_uses_the_present_one(self, desk: Desk, phone: Peer) -> None:
        hop = Hop("udp", phone.host, phone.port, "127.0.0.9", 1)
        request = new_request("OPTIONS", phone.uri, from_=US)
        put = desk.results.put_nowait
        desk.endpoint.send_request(request, hop, on_response=put, on_failure=put)
        options = await phone.expect("OPTIONS")
        assert options.via.port == desk.address[1]

    async def test_without_any_listener_of_its_kind_a_request_fails(self, desk: Desk) -> None:
        request = new_request("OPTIONS", Uri("sip", "127.0.0.1"), from_=US)
        put = desk.results.put_nowait
        desk.endpoint.send_request(request, Hop("tcp", "127.0.0.1", 9, "x", 1), on_response=put, on_failure=put)
        assert desk.results.empty()  # never from within the call
        assert await desk.result() is Failure.TRANSPORT

    async def test_a_URI_leads_to_a_hop_over_a_listener_that_fits(self, desk: Desk) -> None:
        assert await desk.endpoint.resolve(Uri.parse("sip:x@127.0.0.1:5099")) == Hop(
            "udp", "127.0.0.1", 5099, *desk.address
        )
        for unreachable in ("sip:x@[::1]", "sip:x@127.0.0.1;transport=tcp", "tel:123"):
            with pytest.raises(OSError, match=r".+"):
                await desk.endpoint.resolve(Uri.parse(unreachable))


async def test_a_closed_endpoint_calls_nobody_back(phone: Peer) -> None:
    desk = await Desk.open()
    desk.send("INVITE", phone)
    invite = await phone.expect("INVITE")
    await desk.endpoint.close()
    phone.reply(invite, 200)
    await asyncio.sleep(2 * FAST.t1)
    assert desk.results.empty()
