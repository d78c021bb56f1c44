"""Flows as values."""

from ringdove.model.binding import StoredBinding
from ringdove.sip.hop import Hop


def test_a_stored_binding_leads_back_to_the_flow_it_came_by() -> None:
    binding = StoredBinding(
        extension_id=1,
        key="sip:bob@10.0.0.5",
        contact="sip:bob@10.0.0.5",
        call_id="x",
        cseq=1,
        transport="tcp",
        remote_host="198.51.100.7",
        remote_port=40000,
        local_host="192.0.2.1",
        local_port=5060,
        expires_at=0,
        registered_at=0,
    )
    assert Hop.of_binding(binding) == Hop("tcp", "198.51.100.7", 40000, "192.0.2.1", 5060)


def test_only_UDP_loses_what_is_sent() -> None:
    assert not Hop("udp", "192.0.2.7", 5060, "192.0.2.1", 5060).reliable
    assert Hop("tcp", "192.0.2.7", 5060, "192.0.2.1", 5060).reliable
    assert str(Hop("udp", "2001:db8::7", 5060, "2001:db8::1", 5060)) == "udp:[2001:db8::7]:5060"
