"""The alerts of deploy/prometheus fire and stay silent when they are to, over metrics that exist."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.deployments import DEPLOY, read

PROMETHEUS: Final = DEPLOY / "prometheus"
SERVICES: Final = ("api", "dedup", "executor", "ingest", "notifier", "persister", "shared")


def promtool(*arguments: str) -> str:
    """Return what promtool says; it is part of Debian's package prometheus."""
    if shutil.which("promtool") is None:
        pytest.fail("the alerts cannot be tested: install Debian's package prometheus", pytrace=False)
    ended = subprocess.run(["promtool", *arguments], cwd=PROMETHEUS, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def source() -> str:
    modules = [path for service in SERVICES for path in sorted((DEPLOY.parent / service).rglob("*.py"))]
    return "\n".join(path.read_text(encoding="utf-8") for path in modules)


def rules() -> list[dict[str, str]]:
    return [rule for group in read(PROMETHEUS / "alerts.yml")["groups"] for rule in group["rules"]]


def test_prometheus_takes_its_configuration() -> None:
    assert "9 rules found" in promtool("check", "config", "prometheus.yml")


def test_each_alert_fires_and_stays_silent() -> None:
    promtool("test", "rules", "alerts_test.yml")

    tests = [test for each in read(PROMETHEUS / "alerts_test.yml")["tests"] for test in each["alert_rule_test"]]
    fire = {test["alertname"] for test in tests if test["exp_alerts"]}
    silent = {test["alertname"] for test in tests if not test["exp_alerts"]}
    assert fire == silent == {rule["alert"] for rule in rules()}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_each_alert_is_over_metrics_that_exist(rule: dict[str, str]) -> None:
    written = source()

    for name in re.findall(r"sniper_\w+", rule["expr"]):
        # The client adds _total to a counter's name where it is not there already.
        assert f'"{name}"' in written or f'"{name.removesuffix("_total")}"' in written


def test_each_alert_is_described() -> None:
    page: Path = DEPLOY.parent / "docs" / "deployment.md"

    assert [rule["alert"] for rule in rules() if f"`{rule['alert']}`" not in page.read_text(encoding="utf-8")] == []
