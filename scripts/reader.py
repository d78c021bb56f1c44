"""Reading out a text, by Debian's espeak-ng."""

import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile
from instruments import Wave

_SOUND = 0.003  # of full scale; below is silence


def read_out(text: str, *, voice: str, speed: int, pitch: int, margin: float) -> tuple[Wave, int]:
    """A text, always the same way; also how many samples a second has. `margin`: seconds of silence at either end."""
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "raw.wav"
        how = ["-v", voice, "-s", str(speed), "-p", str(pitch), "-g", "3"]
        subprocess.run(["espeak-ng", *how, "-w", raw, text], check=True)
        wave, rate = soundfile.read(raw)
    loud = np.flatnonzero(np.abs(wave) > _SOUND)
    return np.pad(wave[loud[0] : loud[-1] + 1], round(margin * rate)), rate
