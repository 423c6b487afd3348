"""The AsyncAPI document, read by the specification's own parser."""

import subprocess
from pathlib import Path

import pytest

from tests.support.deployment.node_packages import installed

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def validator() -> Path:
    return installed(ROOT / "tests" / "node") / "validate.mjs"


def findings(validator: Path, document: Path) -> list[str]:
    ended = subprocess.run(
        ["node", validator, document], capture_output=True, text=True, timeout=60, check=False, cwd=validator.parent
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()


@pytest.mark.timeout(400)
def test_the_document_is_sound(validator: Path) -> None:
    assert findings(validator, ROOT / "docs" / "asyncapi.yaml") == []


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("right", "wrong"), [("is: routingKey", "is: routing"), ("    type: object", "    type: thing")]
)
def test_what_is_wrong_with_a_document_is_found(validator: Path, tmp_path: Path, right: str, wrong: str) -> None:
    text = (ROOT / "docs" / "asyncapi.yaml").read_text(encoding="utf-8")
    document = tmp_path / "asyncapi.yaml"
    document.write_text(text.replace(right, wrong), encoding="utf-8")

    assert text.count(right) > 0
    assert findings(validator, document) != []
