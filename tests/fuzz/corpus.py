"""What a target begins with, and what is worth keeping of what a fuzzer came upon."""

import sys
from collections.abc import Iterable
from pathlib import Path
from time import monotonic
from types import CodeType, FrameType
from typing import Any

import ringdove

from .oracle import Check
from .targets import load

HERE = Path(__file__).parent
CORPUS, FINDINGS = HERE / "corpus", HERE / "findings"
KEPT, KEPT_OCTETS = 30, 16_384
"""Files of a target's corpus at most, and octets of all of them together."""
_CODE = str(Path(ringdove.__file__).parent)

Step = tuple[CodeType, int, int]
"""From which line to which, in which piece of code."""


def kept(name: str) -> list[bytes]:
    """Inputs that reach what the written ones do not."""
    return _files(CORPUS / name)


def findings(name: str) -> dict[str, bytes]:
    """Inputs that once showed a fault, by name."""
    return {path.name: path.read_bytes() for path in sorted((FINDINGS / name).glob("*"))}


def lay_out(name: str, folder: Path) -> tuple[Path, Path]:
    """Put a folder of inputs and a dictionary into `folder`, as libFuzzer reads them."""
    target = load(name)
    inputs, words = folder / "inputs", folder / "words"
    inputs.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate([*target.SEEDS, *kept(name), *findings(name).values()]):
        (inputs / f"{number:04}").write_bytes(data)
    words.write_text("".join('"' + "".join(f"\\x{octet:02x}" for octet in word) + '"\n' for word in target.WORDS))
    return inputs, words


def distil(name: str, found: Path, seconds: float) -> None:
    """Keep what reaches steps that nothing kept does, the shortest first; what was kept stays while it is of use."""
    target = load(name)
    until = monotonic() + seconds
    reached: set[Step] = set()
    for data in target.SEEDS:
        reached |= _steps(target.check, data)
    chosen: list[bytes] = []
    for data in (*kept(name), *sorted(_files(found), key=len)):
        if monotonic() > until or len(chosen) == KEPT or sum(map(len, chosen)) + len(data) > KEPT_OCTETS:
            break
        steps = _steps(target.check, data)
        if not steps <= reached:
            reached |= steps
            chosen.append(data)
    _write(CORPUS / name, chosen)


def _write(folder: Path, chosen: Iterable[bytes]) -> None:
    for path in folder.glob("*"):
        path.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(chosen):
        (folder / f"{number:02}").write_bytes(data)


def _steps(check: Check, data: bytes) -> set[Step]:
    """The steps from line to line that an input makes in our code; none for one that shows a fault."""
    steps: set[Step] = set()
    before: dict[FrameType, int] = {}

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        code = frame.f_code
        if not code.co_filename.startswith(_CODE):
            return None
        if event == "line":
            steps.add((code, before.get(frame, 0), frame.f_lineno))
            before[frame] = frame.f_lineno
        elif event == "return":
            before.pop(frame, None)
        return trace

    sys.settrace(trace)
    try:
        check(data)
    except Exception:
        return set()
    finally:
        sys.settrace(None)
    return steps


def _files(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.glob("*"))]
