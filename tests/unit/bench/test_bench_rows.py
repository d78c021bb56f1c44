"""The kinds of call, and how Asterisk and Kamailio are told of them."""

from pathlib import Path

import pytest
from bench import sid, side_asterisk, side_kamailio
from bench.rows import ROWS, caller_numbers, member_numbers


def test_every_number_is_dialled_for_one_thing() -> None:
    numbers = [*(row.number for row in ROWS), *caller_numbers(), *member_numbers()]
    assert len(set(numbers)) == len(numbers)


def test_a_proxy_gets_neither_more_members_than_it_takes_nor_music() -> None:
    assert [row.name for row in side_kamailio.rows(ROWS)] == ["1", "3", "10", "hunt"]


def test_kamailio_forks_to_all_members_and_hunts_through_them() -> None:
    rows = {row.name: row for row in ROWS}
    script = side_kamailio.configuration(5060, 7000, [rows["3"]])
    first, *others = [f"sip:{number}@127.0.0.1:7000" for number in member_numbers(3)]
    assert f'$ru = "{first}"' in script
    assert all(f'append_branch("{uri}")' in script for uri in others)
    script = side_kamailio.configuration(5060, 7000, [rows["hunt"]])
    assert "append_branch" not in script
    assert [script.count(f'$ru = "{uri}"') for uri in (first, *others)] == [1, 1, 1]


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("3", ["Dial(PJSIP/2000&PJSIP/2001&PJSIP/2002,30)"]),
        ("hunt", ["Dial(PJSIP/2000,30)", "Dial(PJSIP/2001,30)", "Dial(PJSIP/2002,30)"]),
        ("music", ["Progress()", "Dial(PJSIP/2000&PJSIP/2001&PJSIP/2002,30,m)"]),
    ],
)
def test_asterisk_dials_members_together_or_one_after_the_other(name: str, steps: list[str]) -> None:
    (row,) = (row for row in ROWS if row.name == name)
    first, *more = side_asterisk.dialled(row).splitlines()
    assert [first.partition(f"exten => {row.number},1,")[2], *(step.partition("n,")[2] for step in more)] == [
        *steps,
        "Hangup()",
    ]


def test_asterisk_is_set_up_with_everybody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sid, "ROOT", tmp_path)
    (tmp_path / "usr/lib/some-linux/asterisk/modules").mkdir(parents=True)
    (home := tmp_path / "tmp").mkdir()
    side_asterisk.configure(home, 5060, 7000, ROWS)
    phones = (home / "pjsip.conf").read_text()
    assert all(f"contact = sip:{number}@127.0.0.1:7000\n" in phones for number in member_numbers())
    assert all(f"username = {number}\n" in phones for number in caller_numbers())
    assert "astmoddir => /usr/lib/some-linux/asterisk/modules\n" in (home / "asterisk.conf").read_text()
