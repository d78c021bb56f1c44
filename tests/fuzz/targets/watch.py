"""What an operator is shown of a message: without its secrets, without orders to a terminal, and at little cost."""

from collections.abc import Sequence

from ringdove.events.bus import Bus
from ringdove.events.types import CallBegan
from ringdove.model.story import Party
from ringdove.net.passage import Direction, Passage
from ringdove.sip.hop import Hop
from ringdove.sip.parser import NoMessage, parse
from ringdove.watch.drawing import draw
from ringdove.watch.hep import Copy, encode
from ringdove.watch.mask import masked
from ringdove.watch.recorder import Recorder

from . import digest, message

HEAD = b"INVITE sip:1002:s@ringdove SIP/2.0\r\nVia: SIP/2.0/UDP a\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n"
SEEDS: Sequence[bytes] = (
    HEAD
    + b"Authorization: "
    + digest.RIGHT
    + b"\r\nContact: <sip:a:b@c>\r\n\r\nv=0\r\nk=clear:x\r\na=crypto:1 A inline:b\r\n",
    HEAD + b"Content-Type: application/dtmf\r\n\r\n1",
    HEAD + b"Proxy-Authorization: Basic YTpi\r\n\r\nSignal=5\r\nDuration=160\r\nAuthorization: Digest a=b\r\n",
    b'SIP/2.0 486 \x1b]0;a\x07\r\nCall-ID: 1\r\nCSeq: 1 \x1b[2J\r\nWWW-Authenticate: Digest nonce=a, realm="b"\r\n\r\n',
    *message.SEEDS[:10],
)
WORDS: Sequence[bytes] = (
    *(b"\r\nAuthorization: Digest ", b"\r\nProxy-Authenticate: ", b"\r\nAuthentication-Info: ", b"nonce=", b'"', b"\\"),
    *(b"\r\nContent-Type: application/dtmf", b"\r\na=crypto:1 A ", b"\r\na=ice-pwd:", b"\r\nk=", b"\r\nSignal="),
    *(b"sip:a:", b"sips:a:b@", b"@", b"<", b" ", b"\t", b"\r\n\r\n", b"\r\n", b"\x1b[", b"\xc2\x9b", b"a", b"=", b","),
)
SOURCE = Hop("udp", "192.0.2.1", 5070, "192.0.2.9", 5060)
WIDTH = 80


def check(data: bytes) -> None:
    """The octets as they are; where they are a message, all that is made of one."""
    _, _, body = data.partition(b"\r\n\r\n")
    shown = masked(data)
    assert len(shown.partition(b"\r\n\r\n")[2]) == len(body)
    assert masked(shown) == shown
    try:
        came = parse(data)
    except NoMessage:
        return
    passage = Passage(Direction.IN, SOURCE, came, 1.0, None)
    packet = encode(Copy("udp", ("192.0.2.1", 1), ("192.0.2.9", 2), 1.0, masked(passage.data), "1"), agent=1)
    assert int.from_bytes(packet[4:6], "big") == len(packet)
    _record(passage)


def _record(passage: Passage) -> None:
    bus = Bus()
    recorder = Recorder(bus, 1)
    recorder(passage)
    bus.publish(CallBegan(call_id="1", sip_call_id="1", began=0.0, caller=Party(number="1001")))
    recorder(passage)
    ladder = recorder.ladder("1")
    assert ladder is not None
    for line in draw(ladder, WIDTH):
        assert line.isprintable()
        assert len(line) <= WIDTH
