"""Offer and answer (RFC 3264)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringdove.sip.codec import STATIC_PAYLOADS, Codec
from ringdove.sip.sdp import Attribute, Connection, Direction, MediaDescription, Origin, SessionDescription, parse
from ringdove.sip.sdp_exchange import Author, Media, matching, numbered, read_audio

PCMU, PCMA = STATIC_PAYLOADS[0], STATIC_PAYLOADS[8]
EVENT = Codec(101, "telephone-event", 8000, fmtp="0-15")
OURS = Media("198.51.100.1", 30000, 30001, (PCMU, EVENT))


def described(
    *media: MediaDescription, address: str = "192.0.2.1", attributes: tuple[Attribute, ...] = ()
) -> SessionDescription:
    connection = Connection(address)
    return SessionDescription(Origin("-", "7", "7", connection), "-", connection, attributes, media, (("t", "5 9"),))


def line(
    kind: str = "audio", port: int = 4000, proto: str = "RTP/AVP", formats: tuple[str, ...] = ("0", "8")
) -> MediaDescription:
    return MediaDescription(kind, port, proto, formats)


def everything(codec: Codec) -> bool:
    return True


class TestReading:
    def test_static_numbers_need_no_rtpmap(self) -> None:
        media = read_audio(described(line(formats=("9", "0", "8", "96"))), everything)
        assert media is not None
        assert [codec.name for codec in media.codecs] == ["G722", "PCMU", "PCMA"]

    def test_an_rtpmap_may_give_a_static_number_another_meaning(self) -> None:
        audio = line(formats=("0",))._replace(attributes=(Attribute("rtpmap", "0 PCMA/8000"),))
        assert audio.codecs == (Codec(0, "PCMA", 8000),)

    def test_the_first_usable_line_is_taken(self) -> None:
        body = described(
            line("video"), line(port=0), line(proto="RTP/SAVP"), line(formats=("18",)), line(port=4010), line(port=4020)
        )
        media = read_audio(body, lambda codec: codec.name == "PCMU")
        assert media is not None
        assert (media.line, media.port, media.codecs) == (4, 4010, (PCMU,))

    def test_telephone_event_alone_is_no_audio(self) -> None:
        audio = line(formats=("101",))._replace(attributes=(Attribute("rtpmap", EVENT.rtpmap),))
        assert read_audio(described(audio), everything) is None

    @pytest.mark.parametrize(
        ("said", "meant"),
        [("sendrecv", "sendonly"), ("sendonly", "sendonly"), ("recvonly", "inactive"), ("inactive", "inactive")],
    )
    def test_zero_address_is_hold(self, said: str, meant: str) -> None:
        media = read_audio(described(line(), address="0.0.0.0", attributes=(Attribute(said),)), everything)
        assert media is not None
        assert (media.address, media.direction) == (None, meant)

    @pytest.mark.parametrize("address", ["phone.example", "", "999.1.1.1"])
    def test_an_address_that_nothing_can_be_sent_to_is_none_but_no_hold(self, address: str) -> None:
        media = read_audio(described(line(), address=address), everything)
        assert media is not None
        assert (media.address, media.direction) == (None, Direction.SENDRECV)

    @pytest.mark.parametrize("address", ["224.0.0.1", "233.252.0.1/127", "ff02::1"])
    def test_multicast_is_not_ours_to_take_part_in(self, address: str) -> None:
        body = parse(f"v=0\no=- 1 1 IN IP4 h\nc=IN IP4 {address}\nm=audio 4000 RTP/AVP 0\n".encode())
        assert read_audio(body, everything) is None
        mixed = body._replace(media=(*body.media, line(port=4020)._replace(connection=Connection("192.0.2.1"))))
        media = read_audio(mixed, everything)
        assert media is not None
        assert (media.line, media.port) == (1, 4020)

    @pytest.mark.parametrize(
        ("session", "media", "meant"),
        [
            ("sendonly", None, "sendonly"),
            ("inactive", "sendrecv", "sendrecv"),
            (None, "recvonly", "recvonly"),
            (None, None, "sendrecv"),
        ],
    )
    def test_a_direction_of_the_session_holds_for_lines_without_one(
        self, session: str | None, media: str | None, meant: str
    ) -> None:
        own = (Attribute(media),) if media else ()
        body = described(line()._replace(attributes=own), attributes=(Attribute(session),) if session else ())
        audio = read_audio(body, everything)
        assert audio is not None
        assert audio.direction == meant

    def test_ports_of_a_second_stream_rtcp_elsewhere_and_unknown_attributes_harm_nothing(self) -> None:
        body = parse(
            b"v=0\no=- 1 1 IN IP4 h\nc=IN IP4 192.0.2.1\na=group:BUNDLE 0\na=ice-lite\n"
            b"m=audio 4000/2 RTP/AVP 0\na=rtcp:53020 IN IP4 192.0.2.7\na=rtcp-mux\na=x-unheard-of:1\na=\na=:\n"
        )
        assert read_audio(body, everything) == Media("192.0.2.1", 4000, 53020, (PCMU,))

    def test_the_highest_port_has_an_rtcp_port_that_packets_can_be_sent_to(self) -> None:
        media = read_audio(described(line(port=65535, formats=("0",))), everything)
        assert media is not None
        assert media.rtcp_port == 65535

    def test_one_telephone_event_per_clock_rate_is_told_apart(self) -> None:
        wide = Codec(96, "telephone-event", 48000, fmtp="0-16")
        attributes = [Attribute("rtpmap", codec.rtpmap) for codec in (EVENT, wide)]
        attributes += [Attribute("fmtp", f"{codec.payload} {codec.fmtp}") for codec in (EVENT, wide)]
        audio = line(formats=("0", "101", "96"))._replace(attributes=tuple(attributes))
        media = read_audio(described(audio), everything)
        assert media is not None
        assert media.codecs == (PCMU, EVENT, wide)
        assert matching(wide._replace(payload=110), media.codecs) == wide


class TestDirection:
    @pytest.mark.parametrize(
        ("offer", "answer"),
        [("sendrecv", "sendrecv"), ("sendonly", "recvonly"), ("recvonly", "sendonly"), ("inactive", "inactive")],
    )
    def test_mirrored(self, offer: str, answer: str) -> None:
        assert Direction(offer).mirrored == answer

    @given(st.sampled_from(Direction), st.sampled_from(Direction))
    def test_within_never_widens(self, one: Direction, other: Direction) -> None:
        both = one.within(other)
        assert both == other.within(one)
        assert both.sends == (one.sends and other.sends)
        assert both.receives == (one.receives and other.receives)


_codec = st.builds(
    Codec,
    st.integers(0, 127),
    st.sampled_from(["PCMU", "pcmu", "PCMA", "opus", "telephone-event", "x"]),
    st.sampled_from([8000, 48000]),
)
_codecs = st.lists(_codec, max_size=6, unique_by=lambda codec: codec.payload).map(tuple)


class TestCodecs:
    def test_names_match_without_case_and_whatever_the_number(self) -> None:
        assert matching(Codec(0, "pcmu", 8000), (Codec(96, "PCMU", 8000),)) == Codec(96, "PCMU", 8000)

    def test_clock_and_channels_must_match(self) -> None:
        assert matching(Codec(96, "opus", 48000, 2), (Codec(96, "opus", 48000), Codec(97, "opus", 8000, 2))) is None

    @given(st.lists(_codecs, max_size=4))
    def test_a_number_keeps_its_meaning_for_the_life_of_a_dialog(self, offers: list[tuple[Codec, ...]]) -> None:
        used: dict[int, Codec] = {}
        for offer in offers:
            result = numbered(offer, used)
            assert [codec.key for codec in result] == [codec.key for codec in offer]
            for codec in result:
                assert used.get(codec.payload, codec).key == codec.key
            used.update((codec.payload, codec) for codec in result)

    def test_numbers_stay_as_they_came_while_nothing_is_in_the_way(self) -> None:
        assert numbered((PCMU, EVENT), {}) == (PCMU, EVENT)
        opus = Codec(101, "opus", 48000, 2)
        assert numbered((opus, EVENT), {101: EVENT}) == (opus._replace(payload=96), EVENT)


_offers = st.lists(
    st.builds(
        line,
        kind=st.sampled_from(["audio", "video", "image"]),
        port=st.integers(1, 65534),
        proto=st.sampled_from(["RTP/AVP", "RTP/SAVP", "udptl"]),
        formats=st.lists(st.sampled_from(["0", "8", "9", "31"]), min_size=1, max_size=3, unique=True).map(tuple),
    ),
    min_size=1,
    max_size=5,
).map(lambda lines: described(*lines))


class TestAuthor:
    @given(_offers)
    def test_an_answer_has_the_lines_of_the_offer_and_refuses_all_but_one(self, offer: SessionDescription) -> None:
        theirs = read_audio(offer, everything)
        if theirs is None:
            return
        media = OURS._replace(codecs=theirs.codecs, proto=theirs.proto, line=theirs.line)
        answer = parse(Author(1).answer(offer, media))
        assert [(m.kind, m.proto) for m in answer.media] == [(m.kind, m.proto) for m in offer.media]
        assert [at for at, m in enumerate(answer.media) if m.port] == [theirs.line]
        assert set(answer.media[theirs.line].formats) <= set(offer.media[theirs.line].formats)
        assert [value for letter, value in answer.others if letter == "t"] == ["5 9"]

    def test_what_is_written_is_what_is_read(self) -> None:
        for media in (
            OURS,
            OURS._replace(ptime=30, maxptime=60, direction=Direction.INACTIVE),
            OURS._replace(address="2001:db8::1", rtcp_port=9),
        ):
            assert read_audio(parse(Author(1).offer(media)), everything) == media

    def test_the_version_goes_up_only_when_the_body_changes(self) -> None:
        author = Author(4711)
        held = OURS._replace(direction=Direction.SENDONLY)
        bodies = [parse(author.offer(media)) for media in (OURS, OURS, held, held, OURS)]
        assert [body.origin.version for body in bodies] == ["1", "1", "2", "2", "3"]
        assert {body.origin.session_id for body in bodies} == {"4711"}

    def test_offer_and_answer_of_one_dialog_share_the_version(self) -> None:
        author = Author(1)
        first = author.answer(described(line()), OURS._replace(codecs=(PCMU,)))
        again = author.answer(described(line()), OURS._replace(codecs=(PCMU,)))
        assert first == again
        assert parse(author.offer(OURS)).origin.version == "2"

    def test_a_later_offer_of_ours_keeps_the_lines_that_the_peer_once_had(self) -> None:
        author = Author(1)
        author.answer(described(line("video", formats=("31",)), line()), OURS._replace(line=1))
        offer = parse(author.offer(OURS))
        assert [(m.kind, m.port) for m in offer.media] == [("video", 0), ("audio", 30000)]

    def test_a_peer_that_adds_a_line_changes_the_shape_for_good(self) -> None:
        author = Author(1)
        author.offer(OURS)
        author.answer(described(line(), line("video")), OURS)
        assert [m.port for m in parse(author.offer(OURS)).media] == [30000, 0]

    def test_the_origin_address_stays_when_media_moves(self) -> None:
        author = Author(1)
        author.offer(OURS)
        moved = parse(author.offer(OURS._replace(address="198.51.100.2")))
        assert moved.origin.connection == Connection("198.51.100.1")
        assert moved.connection == Connection("198.51.100.2")

    def test_an_answer_follows_lines_that_come_go_and_change_places(self) -> None:
        author = Author(1)
        author.answer(described(line()), OURS)
        more = described(line("image", proto="udptl", formats=("t38",)), line(port=0), line("audio", 4010))
        answer = parse(author.answer(more, OURS._replace(line=2)))
        assert [(m.kind, m.proto, m.formats, m.port) for m in answer.media] == [
            ("image", "udptl", ("t38",), 0),
            ("audio", "RTP/AVP", ("0", "8"), 0),
            ("audio", "RTP/AVP", ("0", "101"), 30000),
        ]
        assert [m.port for m in parse(author.offer(OURS)).media] == [0, 0, 30000]
        fewer = parse(author.answer(described(line()), OURS))
        assert [m.port for m in fewer.media] == [30000]
        assert fewer.origin.version == "3"

    def test_rtcp_is_said_only_where_it_is_not_the_port_above(self) -> None:
        assert b"a=rtcp" not in Author(1).offer(OURS)
        assert b"a=rtcp:4711\r\n" in Author(1).offer(OURS._replace(rtcp_port=4711))
