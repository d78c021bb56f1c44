"""Names and order of what callers hear."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from ringdove.model import audio
from ringdove.model.audio import Audio, Playlist, PlayOrder, Prompt, Ringtone, RingtoneType
from ringdove.model.destination import END_CALL, Destination
from ringdove.model.reference import AudioRef, DestinationKind, ObjectKind
from ringdove.model.ring_group import RingGroup, audio_ref
from ringdove.ring.plan import Strategy

DIGEST = "0" * 64
FILE: TypeAdapter[str] = TypeAdapter(audio.FileName)
RINGTONE: TypeAdapter[str] = TypeAdapter(audio.RingtoneName)
PLAYLIST: TypeAdapter[str] = TypeAdapter(audio.PlaylistName)

NAMES = st.text(st.sampled_from("aB1 .ü-wavmp3"), max_size=12) | st.builds(
    str.__add__, st.text(max_size=8), st.sampled_from([".wav", ".MP3", ".flac", ".Ogg", ".txt", ""])
)


def fits(rule: TypeAdapter[str], name: str) -> bool:
    try:
        return rule.validate_python(name) == name
    except ValidationError:
        return False


@pytest.mark.parametrize("name", ["demo.wav", "DEMO.WAV", "a.b.mp3", "ü  1.Flac", "a.ogg", "x" * 123 + ".wav"])
def test_files_are_named_like_audio(name: str) -> None:
    assert fits(FILE, name)


@pytest.mark.parametrize(
    "name",
    [
        *("", "demo", "demo.txt", ".wav", ".demo.wav", "a/b.wav", "a\\b.wav", "../a.wav", "a\n.wav", "a.wav\n"),
        *("\ud800.wav", "x" * 124 + ".wav", "a.wav.exe"),
    ],
)
def test_what_is_no_name_of_an_audio_file_is_refused(name: str) -> None:
    assert not fits(FILE, name)


@pytest.mark.parametrize(("name", "fine"), [("a.wav", True), ("a.MP3", True), ("a.flac", False), ("a.ogg", False)])
def test_ring_tones_are_wav_or_mp3(name: str, fine: bool) -> None:
    assert fits(RINGTONE, name) is fine


@pytest.mark.parametrize("name", ["", "x" * 64, "follow_system", "a.wav", "Jazz.OGG", "a/b", "a\\b", "..", "a\tb"])
def test_names_that_a_playlist_cannot_have(name: str) -> None:
    assert not fits(PLAYLIST, name)


@given(NAMES)
def test_no_name_fits_both_a_file_and_a_playlist(name: str) -> None:
    assert not (fits(FILE, name) and fits(PLAYLIST, name))


@given(NAMES)
def test_a_name_in_welcome_prompt_stands_for_the_one_thing_that_can_have_it(name: str) -> None:
    file, playlist = fits(FILE, name), fits(PLAYLIST, name)
    assume(file or playlist)
    assert audio_ref("welcome_prompt", name) == AudioRef(ObjectKind.PROMPT if file else ObjectKind.PLAYLIST, name)


@given(st.lists(st.sampled_from(["a.wav", "A.wav", "b.wav", "B.mp3", "c.ogg", "Ä.wav"]), unique=True))
def test_music_is_always_in_alphabetical_order(names: list[str]) -> None:
    files = tuple(Audio(file=name, digest=DIGEST, seconds=1, size=1) for name in names)
    made = Playlist(list_name="Jazz", play_order=PlayOrder.RANDOM, files=files)
    assert [a.file for a in made.files] == sorted(names, key=lambda name: (name.casefold(), name))


def test_a_playlist_has_500_files_at_most() -> None:
    files = [Audio(file=f"{i}.wav", digest=DIGEST, seconds=1, size=1) for i in range(501)]
    assert len(Playlist(list_name="Jazz", play_order=PlayOrder.RANDOM, files=tuple(files[:500])).files) == 500
    with pytest.raises(ValidationError):
        Playlist(list_name="Jazz", play_order=PlayOrder.RANDOM, files=tuple(files))


@pytest.mark.parametrize(
    "bad", [{"digest": "0" * 63}, {"digest": "G" * 64}, {"digest": "../" + "0" * 61}, {"seconds": -1}, {"size": -1}]
)
def test_content_is_named_by_its_digest_and_has_a_size(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Prompt.model_validate({"file": "a.wav", "digest": DIGEST, "seconds": 1, "size": 1} | bad)


def test_a_ring_tone_tells_its_suffix_and_is_uploaded_unless_it_is_built_in() -> None:
    tone = Ringtone(file="Dawn.Chime.WAV", digest=DIGEST, seconds=1, size=1)
    assert (tone.suffix, tone.type) == (".wav", RingtoneType.BACKEND)


def group(**fields: object) -> RingGroup:
    plain = {"number": "6300", "name": "x", "ring_strategy": Strategy.CUSTOM, "fail_dest": END_CALL}
    return RingGroup.model_validate(plain | fields)


def test_a_group_tells_all_audio_that_it_names() -> None:
    bye = Destination(kind=DestinationKind.PLAY_GREETING, prefix="1", value="bye.wav")
    full = group(
        join_prompt="demo.wav",
        welcome_prompt="SoftBreeze",
        moh="Jazz",
        client_unique_ringtone="Ring1.mp3",
        fail_dest=bye,
        no_agent_online_dest=bye,
    )
    assert full.audio() == {
        "join_prompt": (ObjectKind.PROMPT, "demo.wav"),
        "welcome_prompt": (ObjectKind.PLAYLIST, "SoftBreeze"),
        "moh": (ObjectKind.PLAYLIST, "Jazz"),
        "client_unique_ringtone": (ObjectKind.RINGTONE, "Ring1.mp3"),
        "fail_dest_value": (ObjectKind.PROMPT, "bye.wav"),
        "no_agent_online_value": (ObjectKind.PROMPT, "bye.wav"),
    }
    assert group().audio() == {}


def test_the_music_of_the_system_is_no_playlist_of_that_name() -> None:
    assert group(moh="follow_system").audio() == {}
    assert group(welcome_prompt="follow_system").audio().keys() == {"welcome_prompt"}
