"""`ringdove demo`, once, as a person runs it: about half a minute."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

LIMIT = 45.0
"""Seconds that the demo may take: half a minute, and the rest for a busy machine."""


def test_the_demo_goes_as_described(tmp_path: Path) -> None:
    # Settings of a real server must not matter to the demo, nor its data be touched.
    environment = {**os.environ, "RINGDOVE_DATA": str(tmp_path / "data"), "RINGDOVE_SIP": "nonsense"}
    command = Path(sys.executable).with_name("ringdove")
    began = time.monotonic()
    done = subprocess.run(
        [command, "demo"], capture_output=True, text=True, timeout=2 * LIMIT, cwd=tmp_path, env=environment, check=False
    )
    took = time.monotonic() - began
    assert done.returncode == 0, done.stdout + done.stderr
    assert took < LIMIT
    assert list(tmp_path.iterdir()) == []
    assert done.stderr == ""
    for words in (
        "POST ringgroup/create 6300 Technical Support, ring_all",
        "POST ringgroup/create 6301 Markting, custom",
        "If somebody dialled 6302 Night Watch now:",
        'CANCEL, Reason: SIP;cause=200;text="Call completed elsewhere"',
        "CANCEL, without a Reason",
        "declines with 603",
        "2011 Emil Eriksen dialled 6300  ANSWERED by 2002 Bob Baker",
        "→ extension 2012 Frida Fischer",
        "✓ 6300: Alice, Bob and Carol rang together",
        "puts Emil Eriksen on hold",
        "✓ 6301: nobody rang for 20 s after the prompt",
        "✓ 6302: one more rang every 3 s, as foretold",
        "✓ 6302: not answered, so on to Frida",
        "✓ 6300: Emil heard all of demo.wav, then it rang",
        "✓ 6300: while Bob held, Emil alone heard music",
        "✓ 6302: Emil and Frida heard each other only",
        "POST vm_greeting/upload closed.wav for 2003",
        "✉ NOTIFY, Messages-Waiting: yes, 1/0",
        "2012 Frida Fischer dialled 6303  VOICEMAIL",
        "→ ext_vm 2003 Carol Cooper",
        "✓ 6303: the message is what Frida said, for 2 s",
        "✓ 6303: Carol's phone shows that a message waits",
        "missed, by way of After Hours",
        "All 27 went as described",
    ):
        assert words in done.stdout
    assert "✗" not in done.stdout
    # What the phones heard, but for the times.
    for heard in (
        r"2011 Emil Eriksen .* s demo\.wav, all of it",
        r" s +[\d.]+ s SoftBreeze \(Evening\.mp3\)",
        r" s +[\d.]+ s Bob",
        r"2002 Bob Baker .* s Emil",
        r"2012 Frida Fischer .* s closed\.wav, all of it",
        r"✉ the message .* s Frida",
    ):
        assert re.search(heard, done.stdout), heard
