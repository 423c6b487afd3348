"""The manifests are valid, and name only commands, settings, paths, ports, queues and secrets that exist."""

from collections.abc import Mapping
from typing import Any, Final

import jsonschema
import kubernetes_validate
import pytest

from executor.service import DRAIN_SECONDS
from executor.settings import ExecutorSettings
from shared import telemetry, topology
from shared.settings import BrokerSettings, TelemetrySettings
from tests.custom_kinds import SCHEMAS
from tests.deployments import is_subcommand, unknown_settings
from tests.kubectl import KubectlMissingError
from tests.manifests import (
    OVERLAYS,
    Manifest,
    kinds,
    pods,
    reached_by,
    render,
    secret_keys,
    secret_references,
)
from tests.simulators import plain_http, simulator_in_this_process

pytestmark = pytest.mark.timeout(180)
SERVICES: Final = {"ingest", "dedup", "executor", "persister", "api"}
TRADING: Final = {"ingest", "executor"}
PROBES: Final = ("startupProbe", "livenessProbe", "readinessProbe")


@pytest.fixture(scope="module", params=OVERLAYS)
def manifests(request: pytest.FixtureRequest) -> list[Manifest]:
    try:
        return render(request.param)
    except KubectlMissingError as error:
        pytest.fail(str(error), pytrace=False)


def ours(manifests: list[Manifest]) -> dict[str, Mapping[str, Any]]:
    """Return the specification of each pod that runs our image."""
    return {name: spec for name, labels, spec in pods(manifests) if labels.get("app.kubernetes.io/name") == "sniper"}


def validate(manifest: Manifest) -> None:
    """Raise for what its kind has no place for, and for a kind that nobody knows."""
    if manifest["kind"] in SCHEMAS:
        jsonschema.validate(manifest, SCHEMAS[manifest["kind"]])
    else:
        kubernetes_validate.validate(dict(manifest), kubernetes_validate.latest_version(), strict=True)


def test_every_manifest_fits_the_schema_of_its_kind(manifests: list[Manifest]) -> None:
    for each in manifests:
        validate(each)


@pytest.mark.parametrize("kind", ["Deployment", "NetworkPolicy", "RabbitmqCluster", "Cluster", "PodMonitor"])
def test_a_misspelt_field_is_noticed(kind: str) -> None:
    [first, *_] = kinds(render("production"), kind)
    misspelt = {**first, "spec": {**first["spec"], "replica": 1}}

    with pytest.raises((jsonschema.ValidationError, kubernetes_validate.ValidationError)):
        validate(misspelt)


def test_every_container_of_ours_runs_a_command_that_exists_and_sets_what_is_read(manifests: list[Manifest]) -> None:
    settings = [name for each in kinds(manifests, "ConfigMap") for name in each["data"]]
    for name, spec in ours(manifests).items():
        [container] = spec["containers"]
        settings += [variable["name"] for variable in container["env"]]
        assert is_subcommand(container["args"]), name

    assert {*ours(manifests)} - {"simulator"} == SERVICES | {"migrate"}
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


def test_every_pod_of_ours_is_given_longer_than_it_drains(manifests: list[Manifest]) -> None:
    drains = BrokerSettings().drain_seconds + DRAIN_SECONDS + ExecutorSettings().stop_grace_seconds

    assert [name for name, spec in ours(manifests).items() if spec["terminationGracePeriodSeconds"] <= drains] == []


async def test_what_the_probes_ask_is_answered_by_real_processes(manifests: list[Manifest]) -> None:
    async with (
        telemetry.serve(TelemetrySettings(metrics_port=0)) as (_, port),
        simulator_in_this_process() as exchange,
        plain_http() as client,
    ):
        for name, spec in ours(manifests).items():
            [container] = spec["containers"]
            probes = [container[probe]["httpGet"] for probe in PROBES if probe in container]
            named = {each["name"]: each["containerPort"] for each in container.get("ports", [])}
            asked = exchange.port if name == "simulator" else port
            answers = [await client.get(f"http://127.0.0.1:{asked}{probe['path']}") for probe in probes]

            assert [each.status_code for each in answers] == [200] * {"migrate": 0, "simulator": 1}.get(name, 3)
            assert {probe["port"] for probe in probes} <= set(named)
            assert named.get("metrics", 9464) == TelemetrySettings.model_fields["metrics_port"].default


def test_every_key_of_a_secret_that_is_referred_to_is_made(manifests: list[Manifest]) -> None:
    wanted = {each for manifest in manifests for each in secret_references(manifest)}

    assert wanted
    assert wanted - secret_keys(manifests) == set()


def test_only_the_executor_is_given_the_keys_of_the_exchange(manifests: list[Manifest]) -> None:
    holders = {
        name for name, _, spec in pods(manifests) for secret, _ in secret_references(spec) if "exchange" in secret
    }

    assert holders == {"executor"}


def test_the_network_is_closed_but_for_the_paths_that_are_needed(manifests: list[Manifest]) -> None:
    everything = {name for name, _, _ in pods(manifests)}

    assert reached_by(manifests, "default-deny") == everything
    assert reached_by(manifests, "to-broker") == SERVICES
    assert reached_by(manifests, "to-exchange") == TRADING
    assert reached_by(manifests, "from-prometheus") == SERVICES
    assert reached_by(manifests, "to-api") == {"api"}
    assert SERVICES | {"migrate"} <= reached_by(manifests, "to-database")


def test_one_executor_runs_and_never_two(manifests: list[Manifest]) -> None:
    [executor] = [each for each in kinds(manifests, "StatefulSet") if each["metadata"]["name"] == "executor"]

    assert executor["spec"]["replicas"] == 1
    assert executor["spec"].get("updateStrategy", {}).get("type", "RollingUpdate") == "RollingUpdate"


def test_every_service_survives_one_disruption(manifests: list[Manifest]) -> None:
    budgets = {each["metadata"]["name"]: each["spec"] for each in kinds(manifests, "PodDisruptionBudget")}

    assert set(budgets) == SERVICES
    for name, labels, _ in pods(manifests):
        if name in SERVICES:
            assert budgets[name]["selector"]["matchLabels"].items() <= labels.items()


def test_what_grows_grows_by_queues_that_exist(manifests: list[Manifest]) -> None:
    scaled = kinds(manifests, "ScaledObject")
    queues = {trigger["metadata"]["queueName"] for each in scaled for trigger in each["spec"]["triggers"]}

    assert queues <= {queue.name for queue in topology.QUEUES}
    assert {each["spec"]["scaleTargetRef"]["name"] for each in scaled} in ({"dedup", "persister"}, set())


def test_production_runs_an_image_by_its_digest() -> None:
    images = {spec["containers"][0]["image"] for spec in ours(render("production")).values()}

    assert len(images) == 1
    assert "@sha256:" in images.pop()
