"""The pages of reference say what the code says."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest
import yaml

from cli import env_check
from cli.manual import MANUAL
from reference.pages import generated
from reference.rest import document
from reference.site import inward
from tests.support.running.api_document import document as served_document
from tests.support.running.api_document import operations_of

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = ("docs/commands.md", "docs/configuration.md", "docs/rest.md", "api/openapi.json")


@pytest.fixture(scope="module")
def pages() -> Mapping[str, str]:
    """Generate them for those who test them, and not for everybody who collects the tests."""
    return generated(ROOT)


def test_every_page_that_is_generated_is_tested(pages: Mapping[str, str]) -> None:
    assert tuple(pages) == PAGES


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_make_contract_writes(pages: Mapping[str, str], name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == pages[name], "run `make contract`"


def test_every_variable_is_there_with_its_meaning(pages: Mapping[str, str]) -> None:
    rows = re.findall(r"^\| `(SNIPER_[A-Z0-9_]+)` \|.*\| (.*) \|$", pages["docs/configuration.md"], re.MULTILINE)

    assert {name for name, _ in rows} == env_check.known()
    assert [name for name, meaning in rows if not meaning.strip()] == []


def test_every_call_is_there(pages: Mapping[str, str]) -> None:
    titles = re.findall(r"^### ([A-Z]+ /.*)$", pages["docs/rest.md"], re.MULTILINE)

    assert document() == served_document()
    assert sorted(titles) == sorted(str(each) for each in operations_of(document()))


def test_every_command_is_there_with_its_examples(pages: Mapping[str, str]) -> None:
    page = pages["docs/commands.md"]

    assert re.findall(r"^## sniper (.*)$", page, re.MULTILINE) == sorted(MANUAL)
    assert all(example.line in page for manual in MANUAL.values() for example in manual.examples)


@pytest.mark.parametrize(
    ("link", "told"),
    [
        ("see [README](../README.md#going-live).", "see `README.md`."),
        ("[deploy/rabbitmq/](../deploy/rabbitmq/README.md)", "`deploy/rabbitmq/README.md`"),
        ("[what was promised](../contract/frozen)", "what was promised (`contract/frozen`)"),
        ("[api](api.md#calls)", "[api](api.md#calls)"),
    ],
)
def test_a_link_that_leads_out_of_the_site_becomes_a_path(link: str, told: str) -> None:
    assert inward(link) == told


def test_every_page_has_its_place_in_the_navigation() -> None:
    navigation = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]

    assert sorted(re.findall(r"[\w-]+\.md", f"{navigation}")) == sorted(
        each.name for each in (ROOT / "docs").glob("*.md")
    )
