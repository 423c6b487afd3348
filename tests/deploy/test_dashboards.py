"""Grafana finds the dashboards where they are, and they ask for what exists."""

import json
import re
from typing import Final

from contract.dashboards import BOARDS
from contract.metrics import SERVICES, definitions_of
from tests.support.deployment.deployments import DEPLOY, read

DEFINED: Final = {each.name for service in SERVICES for each in definitions_of(service)}


def test_grafana_is_told_where_the_dashboards_are() -> None:
    [source] = read(DEPLOY / "grafana" / "provisioning" / "datasources" / "prometheus.yaml")["datasources"]
    [provider] = read(DEPLOY / "grafana" / "provisioning" / "dashboards" / "sniper.yaml")["providers"]
    mounts = [each["target"] for each in read(DEPLOY / "compose.yaml")["services"]["grafana"]["volumes"][:-1]]

    assert provider["options"]["path"] in mounts
    for file in (DEPLOY / "grafana" / "dashboards").glob("*.json"):
        board = json.loads(file.read_text())
        assert {panel["datasource"]["uid"] for panel in board["panels"]} == {source["uid"]}
        assert board["uid"] == file.stem


def test_every_panel_is_of_metrics_that_exist() -> None:
    recorded = {
        rule["record"] for group in read(DEPLOY / "prometheus" / "recording.yml")["groups"] for rule in group["rules"]
    }

    for panel in (panel for board in BOARDS for row in board.rows for panel in row):
        for name in (name for query in panel.queries for name in re.findall(r"\bsniper[:_][\w:]+", query.expr)):
            assert name in DEFINED | recorded or re.sub(r"_(bucket|sum|count)$", "", name) in DEFINED
