"""The manifests are valid, and name only commands, settings, ports and queues that exist."""

from collections.abc import Iterator
from typing import Any, Final

import jsonschema
import kubernetes_validate
import pytest

from shared.settings import TelemetrySettings
from shared.wire import topology
from tests.support.deployment.deployments import DEPLOY, SECONDS_TO_STOP, is_subcommand, unknown_settings
from tests.support.deployment.manifests import (
    Manifest,
    kinds,
    named,
    ours,
    pods,
    validate,
)
from tests.support.deployment.network_paths import selects

pytestmark = pytest.mark.timeout(180)
ROOT: Final = DEPLOY.parent
COMPONENT: Final = "app.kubernetes.io/component"
PROBES: Final = ("startupProbe", "livenessProbe", "readinessProbe")


def test_every_manifest_fits_the_schema_of_its_kind(manifests: list[Manifest]) -> None:
    for each in manifests:
        validate(each)


@pytest.mark.parametrize(
    "kind", ["Deployment", "NetworkPolicy", "RabbitmqCluster", "Cluster", "PodMonitor", "PrometheusRule"]
)
def test_a_misspelt_field_is_noticed(kind: str, production: list[Manifest]) -> None:
    [first, *_] = kinds(production, kind)
    misspelt = {**first, "spec": {**first["spec"], "replica": 1}}

    with pytest.raises((jsonschema.ValidationError, kubernetes_validate.ValidationError)):
        validate(misspelt)


def test_in_production_a_commit_outlives_the_machine_that_confirmed_it(production: list[Manifest]) -> None:
    cluster = named(production, "Cluster", "sniper")

    assert cluster["spec"]["postgresql"]["synchronous"] == {"method": "any", "number": 1, "dataDurability": "required"}
    assert cluster["metadata"]["annotations"] == {"alpha.cnpg.io/failoverQuorum": "true"}


def test_every_container_of_ours_runs_a_command_that_exists_and_sets_what_is_read(
    manifests: list[Manifest], services: set[str]
) -> None:
    settings = [name for each in kinds(manifests, "ConfigMap") for name in each["data"] if name.startswith("SNIPER_")]
    for name, spec in ours(manifests).items():
        [container] = spec["containers"]
        settings += [variable["name"] for variable in container.get("env", [])]
        assert is_subcommand(container["args"]), name
        assert name not in services or container["args"] == ["run", name]

    assert {*ours(manifests)} - {"simulator"} == services | {"migrate", "token"}
    assert settings
    assert unknown_settings(settings) == []


def test_every_pod_is_restricted(manifests: list[Manifest]) -> None:
    for name, _, spec in pods(manifests):
        assert spec["securityContext"]["runAsNonRoot"], name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert spec["enableServiceLinks"] is False, name
        assert spec["automountServiceAccountToken"] is False, name
        for container in spec["containers"]:
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}, name
            assert container["securityContext"]["allowPrivilegeEscalation"] is False, name
            assert set(container["resources"]) == {"requests", "limits"}, name
    for name, spec in ours(manifests).items():
        assert spec["securityContext"]["runAsUser"] == 10001, name
        assert spec["containers"][0]["securityContext"]["readOnlyRootFilesystem"], name
    enforced = "pod-security.kubernetes.io/enforce"
    assert {each["metadata"]["labels"][enforced] for each in kinds(manifests, "Namespace")} == {"restricted"}


def test_every_pod_of_ours_is_given_longer_than_it_needs_to_stop(manifests: list[Manifest]) -> None:
    for name, spec in ours(manifests).items():
        waits = spec["containers"][0].get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        assert spec["terminationGracePeriodSeconds"] > waits + SECONDS_TO_STOP, name


def test_every_probe_asks_a_port_that_is_named(manifests: list[Manifest]) -> None:
    for name, spec in ours(manifests).items():
        [container] = spec["containers"]
        probes = [container[probe]["httpGet"] for probe in PROBES if probe in container]
        ports = {each["name"]: each["containerPort"] for each in container.get("ports", [])}

        assert len(probes) == {"migrate": 0, "token": 0, "simulator": 2}.get(name, 3), name
        assert {probe["port"] for probe in probes} <= set(ports), name
        assert ports.get("metrics", 9464) == TelemetrySettings.model_fields["metrics_port"].default, name


def test_the_token_is_made_when_it_is_asked_for_by_the_command_that_is_documented(manifests: list[Manifest]) -> None:
    template = named(manifests, "CronJob", "token")

    assert template["spec"]["suspend"] is True
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "token"}}
    validate({**job, "spec": template["spec"]["jobTemplate"]["spec"]})
    page = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    assert f"kubectl -n {template['metadata']['namespace']} create job token --from=cronjob/token" in page
    assert "kubectl -n sniper run token" not in page


def test_one_executor_runs_and_never_two(manifests: list[Manifest], trading: str) -> None:
    executor = named(manifests, "StatefulSet", trading)["spec"]

    assert executor["replicas"] == 1
    assert executor.get("updateStrategy", {}).get("type", "RollingUpdate") == "RollingUpdate"
    assert executor["serviceName"] == named(manifests, "Service", trading)["metadata"]["name"] == trading


def test_a_stateful_set_that_is_not_ready_is_replaced_by_its_next_version(
    manifests: list[Manifest], trading: str
) -> None:
    """By OrderedReady the controller waits for a faulty pod before it replaces any."""
    executor = named(manifests, "StatefulSet", trading)["spec"]

    assert executor["podManagementPolicy"] == "Parallel"


def test_the_schema_can_be_migrated_before_any_service_is_replaced(
    manifests: list[Manifest], services: set[str]
) -> None:
    labelled = {
        each["metadata"]["name"]: each["kind"]
        for each in manifests
        if "sniper/service" in each["metadata"].get("labels", {})
    }

    assert set(labelled) == services
    assert set(labelled.values()) <= {"Deployment", "StatefulSet"}
    page = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    assert "overlays/production --selector '!sniper/service'" in page


def test_on_the_express_way_nothing_is_left_of_ingest_and_the_executor(
    production_express: list[Manifest], local_express: list[Manifest]
) -> None:
    for manifests in (local_express, production_express):
        assert not {"ingest", "executor"} & {each["metadata"]["name"] for each in manifests}
        assert not {"ingest", "executor"} & set(selected(manifests))


def selected(node: Any) -> Iterator[str]:
    """Yield the components that a selector or a label names, wherever it is."""
    if isinstance(node, list):
        for each in node:
            yield from selected(each)
    if isinstance(node, dict):
        yield from ([node[COMPONENT]] if isinstance(node.get(COMPONENT), str) else [])
        yield from (node["values"] if node.get("key") == COMPONENT else [])
        for value in node.values():
            yield from selected(value)


def test_in_production_two_processes_of_the_express_way_would_never_share_a_machine(
    production_express: list[Manifest],
) -> None:
    template = named(production_express, "StatefulSet", "express")["spec"]["template"]

    [never] = template["spec"]["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert selects(never["labelSelector"], template["metadata"]["labels"])
    assert never["topologyKey"] == "kubernetes.io/hostname"


def test_two_ingests_run_and_never_three(production: list[Manifest], local: list[Manifest]) -> None:
    for manifests in (production, local):
        ingest = named(manifests, "Deployment", "ingest")["spec"]
        assert ingest["replicas"] == 2
        assert ingest["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}


def test_in_production_two_ingests_never_share_a_machine(production: list[Manifest]) -> None:
    template = named(production, "Deployment", "ingest")["spec"]["template"]
    apart = template["spec"]["affinity"]["podAntiAffinity"]

    [never] = apart["requiredDuringSchedulingIgnoredDuringExecution"]
    [rather_not] = apart["preferredDuringSchedulingIgnoredDuringExecution"]
    [executor] = [labels for name, labels, _ in pods(production) if name == "executor"]
    assert selects(never["labelSelector"], template["metadata"]["labels"])
    assert never["topologyKey"] == "kubernetes.io/hostname"
    assert selects(rather_not["podAffinityTerm"]["labelSelector"], executor)


def test_one_notifier_runs_and_never_two(manifests: list[Manifest]) -> None:
    notifier = named(manifests, "Deployment", "notifier")["spec"]

    assert (notifier["replicas"], notifier["strategy"]) == (1, {"type": "Recreate"})


def test_every_service_survives_one_disruption_and_is_in_no_nodes_way(
    manifests: list[Manifest], services: set[str]
) -> None:
    budgets = {each["metadata"]["name"]: each["spec"] for each in kinds(manifests, "PodDisruptionBudget")}
    everybody = {name: labels for name, labels, _ in pods(manifests)}

    assert set(budgets) - {"rabbitmq"} == services
    for name in services:
        assert budgets[name]["maxUnavailable"] == 1
        assert {each for each, labels in everybody.items() if selects(budgets[name]["selector"], labels)} == {name}


def test_what_grows_grows_by_its_own_queues(production: list[Manifest], local: list[Manifest]) -> None:
    own = {"dedup": [topology.DEDUP_RAW], "persister": [topology.PERSISTER_LISTINGS, topology.PERSISTER_TRADES]}
    scaled = {each["metadata"]["name"]: each["spec"] for each in kinds(production, "ScaledObject")}

    assert set(scaled) == set(own)
    assert kinds(local, "ScaledObject") == []
    for name, queues in own.items():
        triggers = scaled[name]["triggers"]
        assert scaled[name]["scaleTargetRef"] == {"name": name}
        assert [each["metadata"]["queueName"] for each in triggers] == [queue.name for queue in queues]
        assert {each["authenticationRef"]["name"] for each in triggers} == {name}
        [signs_in, *_] = named(production, "TriggerAuthentication", name)["spec"]["secretTargetRef"]
        assert (signs_in["name"], signs_in["key"]) == (f"sniper-{name}", "sniper_broker_url")
        assert "replicas" not in named(production, "Deployment", name)["spec"]


def test_production_runs_an_image_by_its_digest(production: list[Manifest]) -> None:
    images = {spec["containers"][0]["image"] for spec in ours(production).values()}

    assert len(images) == 1
    assert "@sha256:" in images.pop()
