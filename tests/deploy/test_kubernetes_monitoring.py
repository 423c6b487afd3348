"""Production is scraped as the rules expect, and has the rules that are tested."""

from typing import Final

import pytest

from tests.support.deployment.deployments import DEPLOY, read
from tests.support.deployment.manifests import (
    Manifest,
    kinds,
    named,
    pods,
)
from tests.support.deployment.network_paths import selects

pytestmark = pytest.mark.timeout(180)


PRODUCTION: Final = ("production", "production-express")


@pytest.mark.parametrize("overlay", PRODUCTION, indirect=True)
def test_prometheus_asks_each_service_by_the_labels_that_rules_go_by(
    manifests: list[Manifest], services: set[str]
) -> None:
    production = manifests
    monitor = named(production, "PodMonitor", "sniper")["spec"]
    labels = {name: labels for name, labels, _ in pods(production)}
    [endpoint] = monitor["podMetricsEndpoints"]
    [relabelled] = endpoint["relabelings"]

    asked = {name for name, own in labels.items() if selects(monitor["selector"], own)}
    [job, *_] = read(DEPLOY / "prometheus" / "prometheus.yml")["scrape_configs"]
    assert asked == services
    assert {labels[name][monitor["jobLabel"]] for name in asked} == {job["job_name"]}
    assert relabelled["targetLabel"] == job["relabel_configs"][0]["target_label"] == "service"
    assert relabelled["sourceLabels"] == ["__meta_kubernetes_pod_label_app_kubernetes_io_component"]
    assert all(labels[name]["app.kubernetes.io/component"] == name for name in asked)


def test_prometheus_asks_rabbitmq_what_rules_and_dashboards_ask_for(production: list[Manifest]) -> None:
    endpoints = named(production, "PodMonitor", "rabbitmq")["spec"]["podMetricsEndpoints"]
    [_, *jobs] = read(DEPLOY / "prometheus" / "prometheus.yml")["scrape_configs"]

    asked = [(each.get("path", "/metrics"), each.get("params", {})) for each in endpoints]
    assert asked == [(each.get("metrics_path", "/metrics"), each.get("params", {})) for each in jobs]


def test_production_has_the_rules_that_are_tested(production: list[Manifest]) -> None:
    groups = named(production, "PrometheusRule", "sniper")["spec"]["groups"]

    files = read(DEPLOY / "prometheus" / "prometheus.yml")["rule_files"]
    expected, *others = [group for name in files for group in read(DEPLOY / "prometheus" / name)["groups"]]
    assert groups[1:] == others
    assert [rule["labels"] for rule in groups[0]["rules"]] == [rule["labels"] for rule in expected["rules"]]


@pytest.mark.parametrize("overlay", PRODUCTION, indirect=True)
def test_production_expects_as_many_processes_as_run_at_the_least(manifests: list[Manifest]) -> None:
    production = manifests
    [group, *_] = named(production, "PrometheusRule", "sniper")["spec"]["groups"]
    expected = {rule["labels"]["service"]: rule["expr"] for rule in group["rules"]}
    replicas = {
        each["metadata"]["name"]: each["spec"]["replicas"]
        for each in kinds(production, "Deployment", "StatefulSet")
        if "replicas" in each["spec"]
    }
    scaled = {
        each["spec"]["scaleTargetRef"]["name"]: each["spec"]["minReplicaCount"]
        for each in kinds(production, "ScaledObject")
    }

    assert expected == {name: f"vector({count})" for name, count in {**replicas, **scaled}.items()}
