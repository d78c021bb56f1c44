"""What strangers send gives a valid object or a documented exception: kept inputs, random ones, and a bounded fuzz."""

from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz.corpus import findings, kept, lay_out
from fuzz.oracle import judge
from fuzz.runs import Run
from fuzz.targets import NAMES, load

HEAVY = {"register", "subscribe", "upload"}
"""Import a database or a web framework, which takes longer than the fuzz: left to `make fuzz`."""
RUNS = 1_000
"""Executions of the fuzzer for each target, beginning with the same number each time: the same inputs."""
SEED = 20_260

every_target = pytest.mark.parametrize("name", NAMES)
needs_atheris = pytest.mark.skipif(
    find_spec("atheris") is None, reason="atheris has no wheel for this Python and machine: no guided fuzzing"
)


@every_target
def test_what_showed_a_fault_once_does_not_do_so_again(name: str) -> None:
    for finding, data in findings(name).items():
        try:
            judge(load(name).check, data)
        except Exception as error:
            error.add_note(f"findings/{name}/{finding}")
            raise


@every_target
def test_every_kept_input_is_taken(name: str) -> None:
    target = load(name)
    assert target.SEEDS
    assert all(target.WORDS)
    for data in (*target.SEEDS, *kept(name)):
        judge(target.check, data)


@every_target
def test_no_change_to_an_input_shows_a_fault(name: str) -> None:
    target = load(name)
    pieces = st.one_of(st.sampled_from(target.WORDS), st.binary(max_size=8))
    changes = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 20), pieces), max_size=6)

    @given(data=st.sampled_from([*target.SEEDS, *kept(name)]), changes=changes)
    @settings(max_examples=40, derandomize=True, database=None)
    def changed(data: bytes, changes: list[tuple[float, int, bytes]]) -> None:
        for place, gone, piece in changes:
            at = int(place * len(data))
            data = data[:at] + piece + data[at + gone :]
        judge(target.check, data)

    changed()


@needs_atheris
@pytest.mark.parametrize("name", sorted({*NAMES} - HEAVY))
async def test_a_bounded_fuzz_finds_nothing(name: str, tmp_path: Path) -> None:
    inputs, words = lay_out(name, tmp_path)
    new, found = tmp_path / "new", tmp_path / "findings"
    new.mkdir()
    found.mkdir()
    run = Run(name)
    await run.go(found, [f"-runs={RUNS}", f"-seed={SEED}", f"-dict={words}"], [new, inputs])
    assert not run.failed, "\n".join([*run.findings, *run.last_words])
    assert run.executions >= RUNS
