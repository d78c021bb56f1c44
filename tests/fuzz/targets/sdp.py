"""A session description, and the answer that a hostile offer gets."""

from collections.abc import Sequence

from ringdove.media.embedded.party import Party, audio_of
from ringdove.media.embedded.wire import encode, read_commands
from ringdove.media.engine import Media, NoUsableAudio, PartyId
from ringdove.sip.sdp import Direction, SdpError, SessionDescription, parse
from ringdove.sip.sdp_exchange import Author

OFFER = (
    b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
    b"m=audio 4000 RTP/AVP 0 8 9 18 101\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\n"
)
SEEDS: Sequence[bytes] = (
    OFFER,
    OFFER.replace(b"18 101", b"114") + b"a=rtpmap:114 opus/48000/2\r\n",
    OFFER
    + b"a=sendonly\r\na=rtcp:4009\r\nm=video 5000/2 RTP/AVPF 96\r\nc=IN IP6 2001:db8::1\r\na=rtpmap:96 H264/90000\r\n",
    b"v=0\no=a 1 1 IN IP4 h\nc=IN IP4 0.0.0.0\nb=AS:64\nz=0 0\nk=x\na=inactive\nr=1 1 1\nm=audio 9 RTP/AVP 114\n",
    b"v=0\r\no=- 1 1 IN IP4 224.2.1.1\r\nc=IN IP4 224.2.1.1/127/3\r\nc=IN IP4 224.2.2.1\r\nm=audio 0 RTP/SAVP 0\r\n",
)
WORDS: Sequence[bytes] = (
    *(
        b"\r\nm=audio 4000 RTP/AVP 0",
        b"\r\nm=image 0 udptl t38",
        b"\r\nc=IN IP4 ",
        b"\r\nc=IN IP6 fe80::1%eth0",
        b"0.0.0.0",
    ),
    *(b"\r\na=rtpmap:", b"96 PCMA/8000", b"127 opus/48000/2", b"telephone-event/", b"\r\na=fmtp:", b"\r\na=rtcp:"),
    *(b"\r\na=sendonly", b"\r\na=recvonly", b"\r\na=inactive", b"\r\na=ptime:", b"\r\na=maxptime:1000", b"\r\na="),
    *(b"\r\nt=1 2", b"\r\nr=", b"\r\nZ=", b"\xff", b"\xc2\x85", b" 255", b"/10000000", b" 0 8 9 101 101"),
)
OURS = "198.51.100.1"


def check(data: bytes) -> None:
    """A description or SdpError; where it has audio of ours, an answer that fits, and something to tell the relay."""
    try:
        description = parse(data)
    except SdpError:
        return
    for media in description.media:
        assert all(codec.payload in range(128) and codec.clock > 0 for codec in media.codecs)
        assert all(number in range(1001) for number in (media.ptime or 0, media.maxptime or 0))
        assert media.rtcp_port in range(65536)
    written = description.encode()
    assert parse(written) == description
    assert parse(written).encode() == written
    try:
        theirs = audio_of(description)
    except NoUsableAudio:
        return
    _answer(description, theirs)
    _offer(theirs)


def _answer(offer: SessionDescription, theirs: Media) -> None:
    """RFC 3264 §6: as many media lines, all refused but one, and there nothing that was not offered."""
    party, author = Party(PartyId("a"), 30000), Author(1)
    ours = party.answer(OURS, 30000, theirs, None)
    answer = parse(author.answer(offer, ours))
    assert len(answer.media) == len(offer.media)
    for line, (said, asked) in enumerate(zip(answer.media, offer.media, strict=True)):
        assert (said.kind, said.proto) == (asked.kind, asked.proto)
        assert said.port == (30000 if line == theirs.line else 0)
    offered = {codec.key for codec in theirs.codecs}
    assert {codec.key for codec in answer.media[theirs.line].codecs} <= offered
    assert answer.direction_of(answer.media[theirs.line]).within(theirs.direction.mirrored) == ours.direction
    _tell(party)
    again = parse(author.offer(ours))
    assert len(again.media) == len(answer.media)
    assert again.origin.session_id == answer.origin.session_id


def _offer(theirs: Media) -> None:
    """Another party is offered what this one wants, and its answer is taken, whatever it may be."""
    caller, callee = Party(PartyId("a"), 30000, pending=theirs), Party(PartyId("b"), 30002)
    offer = callee.offer(OURS, 30002, caller, Direction.SENDRECV)
    assert audio_of(parse(Author(2).offer(offer)))
    try:
        callee.take_answer(theirs)
        caller.answer(OURS, 30000, theirs, callee)
    except NoUsableAudio:
        return
    _tell(caller, callee)
    _tell(callee, caller)


def _tell(party: Party, peer: Party | None = None) -> None:
    stream = party.stream(peer)
    if stream is not None:
        line = encode([stream])
        assert line.count(b"\n") == 1
        assert encode(read_commands(line)) == line
