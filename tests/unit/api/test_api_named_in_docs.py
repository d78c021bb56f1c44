"""The pages name the interfaces that there are, and no others."""

import re
from pathlib import Path

from unit.api.api_client import BASE, Api

ROOT = Path(__file__).parents[3]
README = ROOT / "README.md"


def interfaces(api: Api) -> set[str]:
    return {path.removeprefix(BASE) for path in api.app.openapi()["paths"]}


def test_the_README_names_every_family(api: Api) -> None:
    named = set(re.findall(r"`([a-z_]+)[/`]", README.read_text()))
    assert {path.partition("/")[0] for path in interfaces(api)} <= named


def test_every_interface_that_a_page_names_is_there(api: Api) -> None:
    """Files below a folder of the same name are not meant."""
    known = interfaces(api)
    families = "|".join({path.partition("/")[0] for path in known if "/" in path})
    for page in (README, ROOT / "CHANGELOG.md", *ROOT.glob("docs/*.md")):
        assert (
            set(re.findall(rf"(?:(?<![/\w])|(?<=api/))(?:{families})/[a-z_]+\b(?!\.py)", page.read_text())) <= known
        ), page.name
