"""The alerts of deploy/prometheus fire and stay silent when they are to, over metrics that exist."""

import re
from typing import Any, Final

import pytest

from contract.metrics import SERVICES, definitions_of
from tests.support.deployment.deployments import DEPLOY, read
from tests.support.deployment.monitoring import said

PROMETHEUS: Final = DEPLOY / "prometheus"
ALERTMANAGER: Final = DEPLOY / "alertmanager" / "alertmanager.yml"
RUNBOOK: Final = DEPLOY.parent / "docs" / "runbook.md"
DEFINED: Final = {each.name for service in SERVICES for each in definitions_of(service)}


def promtool(*arguments: str) -> str:
    return said("promtool", *arguments, directory=PROMETHEUS)


def rules(name: str = "alerts.yml") -> list[dict[str, Any]]:
    return [rule for group in read(PROMETHEUS / name)["groups"] for rule in group["rules"]]


def test_prometheus_takes_its_configuration() -> None:
    checked = promtool("check", "config", "prometheus.yml")

    assert f"{len(rules())} rules found" in checked
    assert f"{len(rules('recording.yml'))} rules found" in checked


def test_each_alert_fires_and_stays_silent() -> None:
    promtool("test", "rules", "alerts_test.yml")

    tests = [test for each in read(PROMETHEUS / "alerts_test.yml")["tests"] for test in each["alert_rule_test"]]
    fire = {test["alertname"] for test in tests if test["exp_alerts"]}
    silent = {test["alertname"] for test in tests if not test["exp_alerts"]}
    assert fire == silent == {rule["alert"] for rule in rules()}


@pytest.mark.parametrize("rule", [*rules(), *rules("recording.yml")], ids=lambda rule: next(iter(rule.values())))
def test_each_rule_is_over_metrics_that_exist(rule: dict[str, Any]) -> None:
    recorded = {each["record"] for each in rules("recording.yml")}

    for name in re.findall(r"\bsniper[:_][\w:]+", rule["expr"]):
        assert name in DEFINED | recorded or re.sub(r"_(bucket|sum|count)$", "", name) in DEFINED


def test_each_alert_has_a_section_of_the_runbook() -> None:
    sections = re.split(r"^## ", RUNBOOK.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    by_name = {section.partition("\n")[0]: section for section in sections}

    assert set(by_name) == {rule["alert"] for rule in rules()}
    for rule in rules():
        assert rule["annotations"]["runbook_url"] == f"docs/runbook.md#{rule['alert'].lower()}"
        assert all(f"**{word}**" in by_name[rule["alert"]] for word in ("Means", "Look at", "Do"))


def test_the_runbook_names_metrics_that_exist() -> None:
    assert set(re.findall(r"`(sniper_\w+)`", RUNBOOK.read_text(encoding="utf-8"))) <= DEFINED


def test_alertmanager_takes_its_example() -> None:
    assert "SUCCESS" in said("amtool", "check-config", str(ALERTMANAGER))


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_each_alert_reaches_somebody_by_its_severity(rule: dict[str, Any]) -> None:
    labels = (f"alertname={rule['alert']}", f"severity={rule['labels']['severity']}")
    told = said("amtool", "config", "routes", "test", "--config.file", str(ALERTMANAGER), *labels).strip()

    assert told in ({"night"} if rule["labels"]["severity"] == "critical" else {"day", "traders"})
