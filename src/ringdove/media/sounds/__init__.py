"""The sounds that come with Ringdove, all of its own making: `make sounds` composes them anew (scripts/sounds.py).

Only data and its names; a track is a folder as `media.codecs` has it, with what it was made from as `original.`
"""

from pathlib import Path

_HERE = Path(__file__).parent

RINGTONES = tuple(_HERE / "ringtones" / f"Ring{number}.mp3" for number in range(11))
"""The built-in ring sounds, in order; MP3."""
MUSIC = (_HERE / "music" / "Calm",)
"""The tracks of the playlist `default`, named after their files; each can be repeated without a seam."""
RINGBACK = _HERE / "ringback"
"""The track of the ringback tone: 425 Hz, 1 s on, 4 s off (ITU-T E.180), for 5 s."""
BEEP = _HERE / "beep"
"""The track of the tone after which callers speak: 1000 Hz for 0.3 s."""
PAUSE = _HERE / "pause"
"""The track of what is between two spoken sentences: 0.3 s of silence."""
DEMO_PROMPT = _HERE / "samples" / "demo.wav"
"""Sample data: somebody says welcome."""
DEMO_GREETING = _HERE / "samples" / "closed.wav"
"""What a mailbox of the demo says before its tone: somebody is brief."""
SOFT_BREEZE = (_HERE / "samples" / "SoftBreeze" / "Evening.mp3", _HERE / "samples" / "SoftBreeze" / "Morning.mp3")
"""Sample data: the files of the playlist SoftBreeze, in the order of their names."""
