"""Names allowed to look unused: each is one that vulture finds without the list."""

import ast
import tomllib
from typing import Any, Final

import pytest
from vulture import Vulture

from tests.tools.sources import ROOT

SETTINGS: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
    "vulture"
]
[LIST] = [each for each in SETTINGS["paths"] if each.endswith(".py")]
ALLOWED: Final = [
    node.attr
    for node in ast.walk(ast.parse((ROOT / LIST).read_text(encoding="utf-8")))
    if isinstance(node, ast.Attribute)
]


@pytest.fixture(scope="module")
def unused() -> frozenset[str]:
    """Return the names that vulture finds without the list."""
    vulture = Vulture()
    vulture.scavenge([ROOT / each for each in SETTINGS["paths"] if each != LIST], SETTINGS["exclude"])
    found = vulture.get_unused_code(min_confidence=SETTINGS["min_confidence"])
    return frozenset(each.name for each in found)


@pytest.mark.parametrize("name", ALLOWED)
def test_allowed_name_is_found_without_the_list(name: str, unused: frozenset[str]) -> None:
    assert name in unused
