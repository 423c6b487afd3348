"""The alerts of deploy/prometheus fire and stay silent when they are to, over metrics that exist."""

import re
from pathlib import Path
from typing import Any, Final

import pytest

from contract.metrics import SERVICES, definitions_of
from tests.support.deployment.alertmanager import running_alertmanager
from tests.support.deployment.deployments import DEPLOY, read
from tests.support.deployment.monitoring import said
from tests.waiting import eventually

PROMETHEUS: Final = DEPLOY / "prometheus"
ALERTMANAGER: Final = DEPLOY / "alertmanager" / "alertmanager.yml"
TESTS: Final = ("alerts_test.yml", "expected_test.yml", "express_test.yml")
RULES: Final = ("expected.yml", "recording.yml", "alerts.yml")
CONFIGURATIONS: Final = {"prometheus.yml": "expected.yml", "express.yml": "expected_express.yml"}
"""Each with its file of the processes that are expected."""
RUNBOOK: Final = DEPLOY.parent / "docs" / "runbook.md"
DEFINED: Final = {each.name for service in SERVICES for each in definitions_of(service)}


def promtool(*arguments: str) -> str:
    return said("promtool", *arguments, directory=PROMETHEUS)


def rules(name: str = "alerts.yml") -> list[dict[str, Any]]:
    return [rule for group in read(PROMETHEUS / name)["groups"] for rule in group["rules"]]


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_prometheus_takes_its_configuration(configuration: str) -> None:
    checked = promtool("check", "config", configuration)

    found = re.findall(r"Checking (\S+)\n  SUCCESS: (\d+) rules found", checked)
    names = (CONFIGURATIONS[configuration], *RULES[1:])
    assert found == [(name, str(len(rules(name)))) for name in names]


def test_each_alert_fires_and_stays_silent() -> None:
    promtool("test", "rules", *TESTS)

    tests = [test for name in TESTS for each in read(PROMETHEUS / name)["tests"] for test in each["alert_rule_test"]]
    fire = {test["alertname"] for test in tests if test["exp_alerts"]}
    silent = {test["alertname"] for test in tests if not test["exp_alerts"]}
    assert fire == silent == {rule["alert"] for rule in rules()}


def test_alerts_on_money_hold_with_two_processes() -> None:
    promtool("test", "rules", "express_test.yml")

    [two] = [each for each in read(PROMETHEUS / "express_test.yml")["tests"] if 'instance="b"' in str(each)]
    fire = {test["alertname"] for test in two["alert_rule_test"] if test["exp_alerts"]}
    assert fire == {"SniperExposureHigh", "SniperFailureBreakerNear"}


@pytest.mark.parametrize("rule", [*rules(), *rules("recording.yml")], ids=lambda rule: next(iter(rule.values())))
def test_each_rule_is_over_metrics_that_exist(rule: dict[str, Any]) -> None:
    recorded = {each["record"] for name in RULES[:-1] for each in rules(name)}

    for name in re.findall(r"\bsniper[:_][\w:]+", rule["expr"]):
        assert name in DEFINED | recorded or re.sub(r"_(bucket|sum|count)$", "", name) in DEFINED


def test_each_alert_has_a_section_of_the_runbook() -> None:
    sections = re.split(r"^## ", RUNBOOK.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    by_name = {section.partition("\n")[0]: section for section in sections}

    assert set(by_name) == {rule["alert"] for rule in rules()}
    for rule in rules():
        page = "{{ with $externalLabels.runbook }}{{ . }}{{ else }}docs/runbook.md{{ end }}"
        assert rule["annotations"]["runbook_url"] == f"{page}#{rule['alert'].lower()}"
        assert all(f"**{word}**" in by_name[rule["alert"]] for word in ("Means", "Look at", "Do"))


def test_the_runbook_names_metrics_that_exist() -> None:
    assert set(re.findall(r"`(sniper_\w+)`", RUNBOOK.read_text(encoding="utf-8"))) <= DEFINED


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_the_services_expected_are_those_that_are_scraped(configuration: str) -> None:
    [job, *_] = read(PROMETHEUS / configuration)["scrape_configs"]
    scraped = [target.partition(":")[0] for each in job["static_configs"] for target in each["targets"]]

    assert [each["labels"]["service"] for each in rules(CONFIGURATIONS[configuration])] == scraped


def test_alertmanager_takes_its_example() -> None:
    assert "SUCCESS" in said("amtool", "check-config", str(ALERTMANAGER))


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_each_alert_reaches_somebody_by_its_severity(rule: dict[str, Any]) -> None:
    labels = (f"alertname={rule['alert']}", f"severity={rule['labels']['severity']}")
    told = said("amtool", "config", "routes", "test", "--config.file", str(ALERTMANAGER), *labels).strip()

    assert told in ({"night"} if rule["labels"]["severity"] == "critical" else {"day", "traders"})


DOWN: Final = ("SniperServiceDown", "persister")
INHIBITED: Final = {
    ("SniperProcessDown", "persister"),
    ("SniperNotReady", "persister"),
    ("SniperPersisterLag", "persister"),
    ("SniperLoopLag", "persister"),
    ("SniperCanaryMissed", ""),
}
TOLD: Final = {
    DOWN,
    ("SniperProcessDown", "executor"),
    ("SniperNotReady", "dedup"),
    ("SniperLoopLag", "executor"),
    ("SniperHalted", "executor"),
    ("SniperPersisterWithoutDatabase", "persister"),
}


async def test_a_service_that_is_down_mutes_what_follows_from_it_and_nothing_of_the_others(tmp_path: Path) -> None:
    async with running_alertmanager(ALERTMANAGER, tmp_path) as alertmanager:
        await alertmanager.fire(TOLD | INHIBITED)
        await eventually(lambda: alertmanager.mutes(INHIBITED))


async def test_an_executor_that_is_down_or_one_process_of_several_mutes_no_canary(tmp_path: Path) -> None:
    canary = ("SniperCanaryMissed", "")
    async with running_alertmanager(ALERTMANAGER, tmp_path) as alertmanager:
        await alertmanager.fire({("SniperServiceDown", "executor"), ("SniperProcessDown", "dedup"), canary})
        muted = ("SniperProcessDown", "executor")
        await alertmanager.fire({muted})
        await eventually(lambda: alertmanager.mutes({muted}))


async def test_an_express_way_that_is_down_mutes_the_canary_that_starts_there(tmp_path: Path) -> None:
    canary = ("SniperCanaryMissed", "")
    async with running_alertmanager(ALERTMANAGER, tmp_path) as alertmanager:
        await alertmanager.fire({("SniperServiceDown", "express"), canary})
        await eventually(lambda: alertmanager.mutes({canary}))
