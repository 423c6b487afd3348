"""The AsyncAPI document, read by the specification's own parser."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest

from tests.support.deployment.node_packages import installed

pytestmark = pytest.mark.timeout(400)

ROOT: Final = Path(__file__).parents[3]
SOUND: Final = "sound"
WRONG: Final[Mapping[str, tuple[str, str]]] = {
    "no parameter": ("is: routingKey", "is: routing"),
    "no type": ("    type: object", "    type: thing"),
}
"""Words of the document, and what stands there instead."""


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Sequence[str]]:
    """Findings of the parser in the document, and in copies of it with something wrong; it takes seconds to start."""
    validator = installed(ROOT / "tests" / "node") / "validate.mjs"
    directory = tmp_path_factory.mktemp("asyncapi")
    text = (ROOT / "docs" / "asyncapi.yaml").read_text(encoding="utf-8")
    documents = {SOUND: text, **{name: text.replace(right, wrong) for name, (right, wrong) in WRONG.items()}}
    for name, document in documents.items():
        (directory / name).write_text(document, encoding="utf-8")
    ended = subprocess.run(
        ["node", validator, *(directory / name for name in documents)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=validator.parent,
    )
    assert ended.returncode == 0, ended.stderr
    return dict(zip(documents, json.loads(ended.stdout), strict=True))


def test_the_document_is_sound(findings: Mapping[str, Sequence[str]]) -> None:
    assert findings[SOUND] == []


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_with_a_document_is_found(findings: Mapping[str, Sequence[str]], name: str) -> None:
    assert findings[name] != []
