"""What callers know of what they hear."""

import pytest
from soak.caller import PITCHES, PLAYED, VOICES

from ringdove.demo.voice import octet_of, voice
from ringdove.media.g711 import ULAW


@pytest.mark.parametrize("pitch", PITCHES)
def test_a_voice_is_known_live_and_out_of_a_message_wherever_that_begins(pitch: int) -> None:
    said = voice(pitch)
    assert said in VOICES
    recorded = [ULAW[octet] for octet in said * 2]
    played = bytes(map(octet_of, recorded[37:197])).replace(b"\x7f", b"\xff")  # a WAV has one zero
    assert played in PLAYED
