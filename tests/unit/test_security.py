"""Every attack in docs/security.md names a test that is there."""

import ast
import re
from functools import cache
from pathlib import Path

from ringdove.calls.board import GUESSES
from ringdove.guard.bans import Bans

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()
ROW = re.compile(r"\| [^|]+ \| [^|]+ \| `(tests/[\w/]+\.py)::(\w+)` \|")


@cache
def _tests_in(file: str) -> set[str]:
    """The names of the tests in a file, those in classes too."""
    tree = ast.parse((ROOT / file).read_text())
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds) and node.name.startswith("test_")}


def test_a_mailbox_can_be_guessed_at_as_often_as_the_page_says() -> None:
    guesses, second, tried = Bans(GUESSES), 0.0, 0
    while second < 86_400:
        if ban := guesses.failed("mailbox 6400", "pin", f"phone {tried}", second):
            second = ban.until
        tried += 1
    told = {int(number) for number in re.findall(r"\b(\d+) guesses a day", PAGE)}
    assert told == {tried // 10 * 10}
    assert f"adds ten guesses to the {min(told)}" in " ".join(PAGE.split())
    assert GUESSES.failures == 10


def test_every_attack_has_its_test() -> None:
    _, _, attacks = PAGE.partition("## Attacks")
    rows = [line for line in attacks.splitlines() if line.startswith("| ") and "| test |" not in line]
    named = [ROW.fullmatch(row) for row in rows]
    assert len(rows) > 40
    assert [row for row, match in zip(rows, named, strict=True) if match is None] == []
    assert [match[2] for match in named if match and match[2] not in _tests_in(match[1])] == []
