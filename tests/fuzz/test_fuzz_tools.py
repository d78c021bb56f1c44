"""The tools of fuzzing themselves: a fault is found once, made small, kept, and told."""

import re
from pathlib import Path

import pytest

from fuzz import corpus, oracle
from fuzz.choices import Choices
from fuzz.oracle import Findings, TooSlow, judge
from fuzz.runs import Run
from fuzz.targets import load


def faulty(data: bytes) -> None:
    if b"!" in data:
        raise KeyError(data)
    if data.count(b"?") > 2:
        raise ValueError(data)


def test_each_fault_is_kept_once_and_as_small_as_it_goes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    findings = Findings(tmp_path / "kept", faulty)
    for data in (b"harmless", b"a long text, and a fault in it!", b"another!", b"what? why? where? when?"):
        findings.judge(data)
    assert sorted(path.read_bytes() for path in (tmp_path / "kept").iterdir()) == [b"!", b"???"]
    run = Run("faulty")
    for line in capsys.readouterr().out.splitlines():
        run.hear(line)
    assert len(run.findings) == 2
    assert run.failed


def test_what_takes_long_for_its_length_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    endless = re.compile(rb"(a+)+b")

    def match(data: bytes) -> None:
        endless.match(data)

    monkeypatch.setattr(oracle, "PATIENCE", 0.05)
    judge(match, b"a" * 10)
    with pytest.raises(TooSlow):
        judge(match, b"a" * 40)


def test_what_a_fuzzer_says_is_understood() -> None:
    run = Run("one")
    run.hear("#2943\tREDUCE cov: 577 ft: 2048 corp: 183/148Kb lim: 3515 exec/s: 2943 rss: 47Mb L: 1/2 MS: 2 CMP-")
    assert (run.executions, run.coverage, run.features, run.inputs) == (2943, 577, 2048, 183)
    assert not run.failed
    run.hear("artifact_prefix='/a/'; Test unit written to /a/timeout-0123")
    assert run.findings == ["/a/timeout-0123"]


def test_inputs_that_reach_nothing_new_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "CORPUS", tmp_path / "corpus")
    found = tmp_path / "found"
    found.mkdir()
    for name, data in {"1": load("riff").SEEDS[0], "2": b"RIFF", "3": b"RIFFRIFF"}.items():
        (found / name).write_bytes(data)
    corpus.distil("riff", found, 10)
    assert corpus.kept("riff") == [b"RIFF"]
    corpus.distil("riff", found, 10)
    assert corpus.kept("riff") == [b"RIFF"]


def test_choices_end_with_zeros() -> None:
    choices = Choices(b"\x03\x01abcd")
    assert (choices.number(), choices.flag(), choices.octets(2), bool(choices)) == (3, True, b"ab", True)
    assert (choices.rest(), choices.number(4), choices.text(), choices.pick("xyz")) == (b"cd", 0, "", "x")
    assert not choices
