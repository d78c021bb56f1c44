"""Reading and writing session descriptions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringdove.sip.codec import Codec
from ringdove.sip.sdp import (
    MAX_BYTES,
    Attribute,
    Connection,
    Direction,
    MediaDescription,
    Origin,
    SdpError,
    SessionDescription,
    parse,
)

PHONE = b"""v=0\r
o=alice 2890844526 2890844527 IN IP4 host.example.com\r
s=A phone\r
c=IN IP4 192.0.2.1\r
b=AS:128\r
t=0 0\r
a=sendonly\r
a=tool:x\r
m=audio 49170 RTP/AVP 0 8 97 101 35 0\r
i=voice\r
y=unheard of\r
a=rtpmap:97 opus/48000/2\r
a=fmtp:97 useinbandfec=1; stereo=0\r
a=rtpmap:101 telephone-event/8000\r
a=fmtp:101 0-15\r
a=ptime:20\r
a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abc\r
m=video 51372/2 RTP/AVP 31\r
c=IN IP4 224.2.1.1/127/3\r
a=recvonly\r
a=rtcp:53020 IN IP4 192.0.2.9\r
"""


def test_every_field_is_understood() -> None:
    body = parse(PHONE)
    audio, video = body.media
    assert body.origin == Origin("alice", "2890844526", "2890844527", Connection("host.example.com"))
    assert (audio.kind, audio.port, audio.proto, audio.ptime, audio.rtcp_port) == ("audio", 49170, "RTP/AVP", 20, 49171)
    assert audio.codecs == (
        Codec(0, "PCMU", 8000),
        Codec(8, "PCMA", 8000),
        Codec(97, "opus", 48000, 2, "useinbandfec=1; stereo=0"),
        Codec(101, "telephone-event", 8000, 1, "0-15"),
    )
    assert audio.attribute("crypto") == "1 AES_CM_128_HMAC_SHA1_80 inline:abc"
    assert (video.port, video.port_count, video.rtcp_port) == (51372, 2, 53020)


def test_media_level_goes_over_session_level() -> None:
    body = parse(PHONE)
    audio, video = body.media
    assert body.connection_of(audio) == Connection("192.0.2.1")
    assert body.connection_of(video) == Connection("224.2.1.1", suffix="/127/3")
    assert body.direction_of(audio) is Direction.SENDONLY
    assert body.direction_of(video) is Direction.RECVONLY


def test_sendrecv_is_the_default() -> None:
    body = parse(b"v=0\no=- 1 1 IN IP4 h\nm=audio 1 RTP/AVP 0\n")
    assert body.direction_of(body.media[0]) is Direction.SENDRECV


def test_what_was_read_is_written_again_line_by_line() -> None:
    assert sorted(parse(PHONE).encode().split(b"\r\n")) == sorted(PHONE.split(b"\r\n"))
    assert parse(parse(PHONE).encode()) == parse(PHONE)


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_any_line_end_is_taken(end: bytes) -> None:
    assert parse(PHONE.replace(b"\r\n", end)) == parse(PHONE)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\r\n",
        b"hello",
        b"v=1\r\no=- 1 1 IN IP4 h\r\n",
        b"o=- 1 1 IN IP4 h\r\nv=0\r\n",
        b"v=0\r\n",
        b"v=0\r\no=- 1 1 IN IP4\r\n",
        b"v=0\r\no=- 1 1 IN IP4 h\r\no=- 1 1 IN IP4 h\r\n",
        b"v=0\r\no=- 1 1 IN IP4 h\r\nno line\r\n",
        b"v=0\r\no=- 1 1 IN IP4 h\r\n =x\r\n",
        b"v=0\r\no=- 1 1 IN IP4 h\r\nc=IN IP4\r\n",
        b"v=0\r\no=- 1 1 IN IP4 h\r\nm=audio 1 RTP/AVP\r\n",
        b"v=0\r\no=- 1 1 IN IP4 h\r\nm=audio x RTP/AVP 0\r\n",
        b"v=0\r\no=- 1 1 IN IP4 h\r\nm=audio 65536 RTP/AVP 0\r\n",
        b"v=0\r\no=- 1 1 IN IP4 h\r\nm=audio 1/0 RTP/AVP 0\r\n",
        "v=0\r\no=- 1 1 IN IP4 h\r\nm=audio ٣ RTP/AVP 0\r\n".encode(),
        b"v=0\r\no=- 1 1 IN IP4 h\r\ns=\0\r\n",
        b"v=0\r\no=- 1 1 IN IP4 h\r\n" + b"m=audio 1 RTP/AVP 0\r\n" * 33,
        b"v=0\r\no=- 1 1 IN IP4 h\r\n" + b"a=\r\n" * 1000,
        b"v=0\r\no=- 1 1 IN IP4 h\r\ns=" + b"x" * MAX_BYTES,
    ],
)
def test_nonsense_is_refused(body: bytes) -> None:
    with pytest.raises(SdpError):
        parse(body)


@pytest.mark.parametrize(
    "attribute",
    [
        "rtpmap:96",
        "rtpmap:96 x",
        "rtpmap:96 x/0",
        "rtpmap:96 x/99999999999",
        "rtpmap:x x/8000",
        "rtpmap:128 x/8000",
        "rtpmap",
    ],
)
def test_a_broken_rtpmap_costs_only_its_own_format(attribute: str) -> None:
    body = parse(f"v=0\no=- 1 1 IN IP4 h\nm=audio 1 RTP/AVP 96 8\na={attribute}\n".encode())
    assert [codec.name for codec in body.media[0].codecs] == ["PCMA"]


@pytest.mark.parametrize("value", ["", "x", "0", "1001", "9" * 5000])
def test_a_broken_packet_time_is_none(value: str) -> None:
    body = parse(f"v=0\no=- 1 1 IN IP4 h\nm=audio 1 RTP/AVP 8\na=ptime:{value}\na=maxptime:{value}\n".encode())
    assert (body.media[0].ptime, body.media[0].maxptime) == (None, None)


def test_spaces_around_a_flag_or_a_packet_time_mean_nothing() -> None:
    body = parse(b"v=0\no=- 1 1 IN IP4 h\nm=audio 1 RTP/AVP 8\na=ptime: 30 \na=maxptime:40 \na=sendonly \n")
    audio = body.media[0]
    assert (audio.ptime, audio.maxptime, audio.direction) == (30, 40, Direction.SENDONLY)


@given(st.binary(max_size=400) | st.text(max_size=400).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_anything_gives_a_description_or_the_documented_error(body: bytes) -> None:
    try:
        parse(body)
    except SdpError:
        return


@st.composite
def mutations(draw: st.DrawFn) -> bytes:
    lines = PHONE.split(b"\r\n")
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(lines) - 1))
        cut = draw(st.integers(0, len(lines[at])))
        lines[at] = lines[at][:cut] + draw(st.binary(max_size=4)) + lines[at][cut + draw(st.integers(0, 3)) :]
    return b"\r\n".join(lines)


@given(mutations())
def test_whatever_is_understood_reads_the_same_when_written_again(body: bytes) -> None:
    try:
        first = parse(body)
    except SdpError:
        return
    for media in first.media:
        assert isinstance(media.codecs, tuple)
        assert first.direction_of(media) in Direction
    assert parse(first.encode()) == first


_token = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=8)
_connection = st.sampled_from(["192.0.2.1", "0.0.0.0", "host.example"]).map(Connection)
_attribute = st.builds(Attribute, _token, st.none() | st.text("abc :/=;9", min_size=1, max_size=10))
_media = st.builds(
    MediaDescription,
    kind=_token,
    port=st.integers(0, 65535),
    proto=st.sampled_from(["RTP/AVP", "UDP/TLS/RTP/SAVPF", "udptl"]),
    formats=st.lists(_token, min_size=1, max_size=5).map(tuple),
    connection=st.none() | _connection,
    attributes=st.lists(_attribute, max_size=5).map(tuple),
    port_count=st.integers(1, 9),
    others=st.just(()),
)


@given(
    st.builds(
        SessionDescription,
        origin=st.builds(Origin, _token, _token, _token, _connection),
        name=_token,
        connection=st.none() | _connection,
        attributes=st.lists(_attribute, max_size=5).map(tuple),
        media=st.lists(_media, max_size=4).map(tuple),
        others=st.just((("t", "0 0"),)),
    )
)
def test_what_is_written_reads_the_same(body: SessionDescription) -> None:
    assert parse(body.encode()) == body


def test_a_line_of_an_unknown_letter_keeps_its_place_when_written_again() -> None:
    first = parse(
        b"v=0\r\no=a 1 1 IN IP4 1.2.3.4\r\nA=unknown\r\nb=AS:128\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\nZ=z\r\nb=AS:1\r\n"
    )
    assert parse(first.encode()) == first


def test_of_two_connections_the_first_stays_the_first_when_written_again() -> None:
    groups = b"c=IN IP4 224.2.1.1/127\r\nc=IN IP4 224.2.1.2/127\r\n"
    body = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n" + groups + b"m=audio 4000 RTP/AVP 0\r\n" + groups
    assert parse(body).encode() == body
