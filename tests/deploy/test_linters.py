"""hadolint and checkov find nothing in the Dockerfile and the manifests; each skipped check says why."""

import json
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.support.deployment.deployments import DEPLOY
from tests.support.deployment.kubectl import KubectlMissingError
from tests.support.deployment.linters import LintersMissingError, lint
from tests.support.deployment.manifests import EXPRESS_OVERLAYS, OVERLAYS, Manifest, render

pytestmark = pytest.mark.timeout(240)

BAD: Final = "bad"
BAD_POD: Final[Manifest] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": BAD, "namespace": BAD},
    "spec": {"containers": [{"name": BAD, "image": BAD, "securityContext": {"privileged": True}}]},
}
REASON_CHARACTERS_MIN: Final = 20


def linted(name: str, *arguments: str, directory: Path) -> "subprocess.CompletedProcess[str]":
    try:
        return lint(name, *arguments, directory=directory)
    except LintersMissingError as error:
        pytest.fail(str(error), pytrace=False)


def test_hadolint_finds_nothing(tmp_path: Path) -> None:
    found = linted("hadolint", "--no-color", str(DEPLOY / "Dockerfile"), directory=tmp_path)

    assert (found.returncode, found.stdout) == (0, ""), found.stderr


def test_hadolint_finds_what_is_bad(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM debian\nRUN cd /tmp\n")

    found = linted("hadolint", "--no-color", "Dockerfile", directory=tmp_path)

    assert found.returncode == 1
    assert {"DL3006", "DL3003"} <= set(re.findall(r"DL\d{4}", found.stdout))


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Mapping[str, Any]]:
    """What checkov says of all that is in deploy/, and of a pod that is bad."""
    directory = tmp_path_factory.mktemp("checkov")
    try:
        rendered: dict[str, list[Manifest]] = {name: render(name) for name in (*OVERLAYS, *EXPRESS_OVERLAYS)}
    except KubectlMissingError as error:
        pytest.fail(str(error), pytrace=False)
    for name, manifests in {**rendered, BAD: [BAD_POD]}.items():
        dumped: str = yaml.safe_dump_all(list(manifests))
        (directory / f"{name}.yaml").write_text(dumped)
    shutil.copy(DEPLOY / "Dockerfile", directory)
    chosen = ("--directory", str(directory), "--framework", "kubernetes", "dockerfile", "--skip-download")
    said = linted("checkov", *chosen, "--output", "json", "--compact", directory=directory)
    assert said.stdout, said.stderr
    found: Sequence[Mapping[str, Any]] = json.loads(said.stdout)
    return found


def checks(reports: Sequence[Mapping[str, Any]], result: str) -> list[Mapping[str, Any]]:
    return [check for report in reports for check in report["results"][f"{result}_checks"]]


def test_checkov_finds_nothing_but_what_is_bad(reports: Sequence[Mapping[str, Any]]) -> None:
    failed = [(each["check_id"], each["check_name"], each["resource"]) for each in checks(reports, "failed")]

    assert [each for each in failed if BAD not in each[2]] == []
    assert [each for each in failed if BAD in each[2]] != []
    assert {report["check_type"] for report in reports} == {"kubernetes", "dockerfile"}
    assert sum(report["summary"]["parsing_errors"] for report in reports) == 0


def test_what_checkov_is_told_to_let_pass_says_why(reports: Sequence[Mapping[str, Any]]) -> None:
    skipped = checks(reports, "skipped")

    assert skipped
    for each in skipped:
        assert len(each["check_result"]["suppress_comment"]) >= REASON_CHARACTERS_MIN, each["check_id"]
