"""The manifests are valid, and name only commands, settings, files, ports, queues, users and secrets that exist."""

import base64
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import asyncpg
import jsonschema
import kubernetes_validate
import pika
import pytest
from pika.exceptions import ChannelClosedByBroker
from sqlalchemy import make_url

from cli.composing.services import NAMES
from contract.kubernetes import BROKER, PASSWORD, ROLES
from executor.service import DRAIN_SECONDS
from executor.settings import ExecutorSettings
from migrations import roles
from migrations.rights import GROUPS
from shared.settings import SECRETS_DIRECTORY, BrokerSettings, TelemetrySettings
from shared.wire import topology
from tests.servers.postgres import PrivatePostgres
from tests.servers.rabbitmq import RabbitMQServer
from tests.support.data.custom_kinds import SCHEMAS
from tests.support.deployment.deployments import DEPLOY, is_subcommand, read, unknown_settings
from tests.support.deployment.kubectl import KubectlMissingError
from tests.support.deployment.manifests import (
    OVERLAYS,
    Manifest,
    kinds,
    mounted_secrets,
    pods,
    referred_to,
    render,
    secret_keys,
)
from tests.support.deployment.network_paths import selects

pytestmark = pytest.mark.timeout(180)
ROOT: Final = DEPLOY.parent
SERVICES: Final = set(NAMES)
PROBES: Final = ("startupProbe", "livenessProbe", "readinessProbe")


@pytest.fixture(scope="module")
def overlays() -> Mapping[str, list[Manifest]]:
    try:
        return {name: render(name) for name in OVERLAYS}
    except KubectlMissingError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(params=OVERLAYS)
def manifests(request: pytest.FixtureRequest, overlays: Mapping[str, list[Manifest]]) -> list[Manifest]:
    return overlays[request.param]


@pytest.fixture
def production(overlays: Mapping[str, list[Manifest]]) -> list[Manifest]:
    return overlays["production"]


@pytest.fixture
def local(overlays: Mapping[str, list[Manifest]]) -> list[Manifest]:
    return overlays["local"]


def ours(manifests: list[Manifest]) -> dict[str, Mapping[str, Any]]:
    """Return the specification of each pod that runs our image."""
    return {name: spec for name, labels, spec in pods(manifests) if labels.get("app.kubernetes.io/name") == "sniper"}


def named(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    [found] = [each for each in kinds(manifests, kind) if each["metadata"]["name"] == name]
    return found


def validate(manifest: Manifest) -> None:
    """Raise for what its kind has no place for, and for a kind that nobody knows."""
    if manifest["kind"] in SCHEMAS:
        jsonschema.validate(manifest, SCHEMAS[manifest["kind"]])
    else:
        kubernetes_validate.validate(dict(manifest), kubernetes_validate.latest_version(), strict=True)


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


def test_every_container_of_ours_runs_a_command_that_exists_and_sets_what_is_read(manifests: list[Manifest]) -> None:
    settings = [name for each in kinds(manifests, "ConfigMap") for name in each["data"] if name.startswith("SNIPER_")]
    for name, spec in ours(manifests).items():
        [container] = spec["containers"]
        settings += [variable["name"] for variable in container.get("env", [])]
        assert is_subcommand(container["args"]), name

    assert {*ours(manifests)} - {"simulator"} == SERVICES | {"migrate", "token"}
    assert settings
    assert unknown_settings(settings) == []


def test_every_secret_is_a_file_with_the_name_of_a_setting_where_settings_are_read(manifests: list[Manifest]) -> None:
    for name, spec in ours(manifests).items():
        if name == "simulator":
            continue
        [mount] = [each for each in spec["containers"][0]["volumeMounts"] if each["name"] == "secrets"]
        assert Path(mount["mountPath"]) == SECRETS_DIRECTORY
        assert unknown_settings(list(mounted_secrets(spec))) == [], name


def test_a_secret_is_read_as_kubernetes_lays_it(tmp_path: Path) -> None:
    hidden = tmp_path / "..2026_11_28"
    hidden.mkdir()
    (hidden / "sniper_broker_url").write_text("amqp://me@rabbitmq/")
    (tmp_path / "..data").symlink_to(hidden.name)
    (tmp_path / "sniper_broker_url").symlink_to("..data/sniper_broker_url")

    settings = BrokerSettings(_secrets_dir=tmp_path)

    assert settings.url is not None
    assert settings.url.get_secret_value() == "amqp://me@rabbitmq/"


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

    for name, spec in ours(manifests).items():
        waits = spec["containers"][0].get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        assert spec["terminationGracePeriodSeconds"] > waits + drains, name


def test_every_probe_asks_a_port_that_is_named(manifests: list[Manifest]) -> None:
    for name, spec in ours(manifests).items():
        [container] = spec["containers"]
        probes = [container[probe]["httpGet"] for probe in PROBES if probe in container]
        ports = {each["name"]: each["containerPort"] for each in container.get("ports", [])}

        assert len(probes) == {"migrate": 0, "token": 0, "simulator": 2}.get(name, 3), name
        assert {probe["port"] for probe in probes} <= set(ports), name
        assert ports.get("metrics", 9464) == TelemetrySettings.model_fields["metrics_port"].default, name


def test_every_key_of_a_secret_that_is_referred_to_is_made(manifests: list[Manifest]) -> None:
    wanted = referred_to(manifests)

    assert wanted
    assert wanted - secret_keys(manifests) == set()


def test_each_service_has_a_secret_of_its_own_and_the_migration_the_owners(manifests: list[Manifest]) -> None:
    more = {"executor": {"sniper-exchange"}}
    for name in SERVICES:
        secrets = {_unhashed(secret) for secret, _ in mounted_secrets(ours(manifests)[name]).values()}
        assert secrets == {f"sniper-{name}"} | more.get(name, set())
        assert {"sniper_database_url", "sniper_broker_url"} <= set(mounted_secrets(ours(manifests)[name]))

    token = mounted_secrets(ours(manifests)["token"])
    assert {path: _unhashed(secret) for path, (secret, _) in token.items()} == {"sniper_database_url": "sniper-api"}
    migration = ours(manifests)["migrate"]
    assert {_unhashed(secret) for secret, _ in mounted_secrets(migration).values()} == {"sniper-owner"}
    assert migration["containers"][0]["args"] == ["migrate", "--roles"]


def _unhashed(secret: str) -> str:
    """Return the name without what kustomize puts behind one that it makes."""
    base, _, digest = secret.rpartition("-")
    return base if len(digest) == 10 else secret


def test_locally_each_service_signs_in_as_itself(local: list[Manifest]) -> None:
    made = {_unhashed(each["metadata"]["name"]): each["data"] for each in kinds(local, "Secret")}
    hosts = {each["metadata"]["name"] for each in kinds(local, "Service")}
    for name in SERVICES:
        given = {key: base64.b64decode(value).decode() for key, value in made[f"sniper-{name}"].items()}
        database, broker = make_url(given["sniper_database_url"]), make_url(given["sniper_broker_url"])
        assert (database.username, broker.username) == (f"{roles.PREFIX}{name}", f"sniper-{name}")
        assert database.password == broker.password == PASSWORD
        assert {database.host, broker.host} <= hosts


def test_the_users_of_the_local_broker_sign_in_and_see_how_long_their_queues_are(
    rabbitmq_server: RabbitMQServer,
) -> None:
    vhost = rabbitmq_server.create_vhost()
    text = (ROOT / BROKER).read_text(encoding="utf-8").replace('"sniper-', f'"{vhost}-')
    loaded = json.loads(text.replace('"vhost": "/"', f'"vhost": "{vhost}"'))
    loaded["vhosts"] = [{"name": vhost}]
    with rabbitmq_server.management() as api:
        try:
            api.post("/api/definitions", json=loaded).raise_for_status()
            for name in SERVICES:
                url = make_url(rabbitmq_server.url_for(vhost)).set(username=f"{vhost}-{name}", password=PASSWORD)
                parameters = pika.URLParameters(url.render_as_string(hide_password=False))
                with pika.BlockingConnection(parameters) as connection:
                    channel = connection.channel()
                    declared = channel.queue_declare("dedup.raw", passive=True)
                    assert declared.method.message_count == 0
                    with pytest.raises(ChannelClosedByBroker):
                        channel.queue_declare("mine")
        finally:
            rabbitmq_server.delete_vhost(vhost)
            for user in loaded["users"]:
                api.delete(f"/api/users/{user['name']}").raise_for_status()


async def test_the_roles_of_the_local_database_are_given_their_rights(
    private_postgres: Callable[[], PrivatePostgres],
) -> None:
    url = private_postgres().create_migrated_database()
    owner = await asyncpg.connect(url)
    try:
        await owner.execute((ROOT / ROLES).read_text(encoding="utf-8"))
        await owner.execute(roles.script())
    finally:
        await owner.close()

    for name in SERVICES:
        own = make_url(url).set(username=f"{roles.PREFIX}{name}", password=PASSWORD)
        session = await asyncpg.connect(own.render_as_string(hide_password=False))
        await session.fetchval("SELECT version_num FROM alembic_version")
        await session.close()


def test_in_production_each_role_has_the_password_of_its_service(production: list[Manifest]) -> None:
    stored = {
        (each["metadata"]["namespace"], each["spec"]["target"]["name"]): {
            entry["remoteRef"]["key"] for entry in each["spec"]["data"]
        }
        for each in kinds(production, "ExternalSecret")
    }
    cluster = named(production, "Cluster", "sniper")["spec"]
    made = {each["name"]: each.get("passwordSecret", {}).get("name") for each in cluster["managed"]["roles"]}

    assert set(made) == set(roles.names())
    assert {name.removeprefix(roles.PREFIX) for name, secret in made.items() if secret is None} == GROUPS
    for name in SERVICES:
        assert stored["sniper", f"sniper-{name}"] == {f"sniper-{name}"}
        assert stored["sniper-data", str(made[f"{roles.PREFIX}{name}"])] == {f"sniper-{name}"}
    assert stored["sniper", "sniper-owner"] == stored["sniper-data", cluster["bootstrap"]["initdb"]["secret"]["name"]]


def test_rabbitmq_reads_the_definitions_where_they_are_mounted(manifests: list[Manifest]) -> None:
    for cluster in kinds(manifests, "RabbitmqCluster"):
        [container] = cluster["spec"]["override"]["statefulSet"]["spec"]["template"]["spec"]["containers"]
        configuration = cluster["spec"]["rabbitmq"]["additionalConfig"]
        assert f"load_definitions = {container['volumeMounts'][0]['mountPath']}/definitions.json" in configuration
    for each in kinds(manifests, "StatefulSet"):
        for container in each["spec"]["template"]["spec"]["containers"]:
            if container["name"] == "rabbitmq":
                [made] = [each for each in kinds(manifests, "ConfigMap") if "definitions.json" in each["data"]]
                paths = {mount["mountPath"] for mount in container["volumeMounts"] if mount["name"] == "definitions"}
                [loaded] = [line for line in made["data"]["20-definitions.conf"].splitlines() if "=" in line]
                assert str(Path(loaded.partition("= ")[2]).parent) in paths


def test_only_the_executor_is_given_the_keys_of_the_exchange(manifests: list[Manifest]) -> None:
    holders = {
        name
        for name, spec in ours(manifests).items()
        if name != "simulator" and "sniper_mexc_api_key" in mounted_secrets(spec)
    }

    assert holders == {"executor"}


def test_the_executor_knows_the_age_of_its_key(manifests: list[Manifest]) -> None:
    assert "sniper_mexc_api_key_created" in mounted_secrets(ours(manifests)["executor"])


def test_the_token_is_made_when_it_is_asked_for_by_the_command_that_is_documented(manifests: list[Manifest]) -> None:
    template = named(manifests, "CronJob", "token")

    assert template["spec"]["suspend"] is True
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "token"}}
    validate({**job, "spec": template["spec"]["jobTemplate"]["spec"]})
    page = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    assert f"kubectl -n {template['metadata']['namespace']} create job token --from=cronjob/token" in page
    assert "kubectl -n sniper run token" not in page


def test_in_production_everything_is_encrypted_and_checked(production: list[Manifest]) -> None:
    [settings] = [each["data"] for each in kinds(production, "ConfigMap")]
    authority = Path(settings["SNIPER_BROKER_CA_FILE"])
    assert settings["SNIPER_DATABASE_CA_FILE"] == str(authority)
    for name, spec in ours(production).items():
        [mount] = [each for each in spec["containers"][0]["volumeMounts"] if each["name"] == "authority"]
        [volume] = [each["secret"] for each in spec["volumes"] if each["name"] == "authority"]
        assert Path(mount["mountPath"]) / volume["items"][0]["path"] == authority, name

    stored = {
        (each["metadata"]["namespace"], each["metadata"]["name"]): each["spec"]
        for each in kinds(production, "ExternalSecret")
    }
    broker = named(production, "RabbitmqCluster", "sniper")["spec"]["tls"]["secretName"]
    database = named(production, "Cluster", "sniper")["spec"]["certificates"]
    for secret in (broker, database["serverTLSSecret"]):
        shown = stored["sniper-data", secret]
        assert shown["target"]["template"]["type"] == "kubernetes.io/tls"
        assert {each["secretKey"] for each in shown["data"]} == {"tls.crt", "tls.key"}
    ours_checks, theirs = stored["sniper", "sniper-authority"], stored["sniper-data", database["serverCASecret"]]
    assert ours_checks["data"] == theirs["data"]
    for each in kinds(production, "TriggerAuthentication"):
        assert [entry["parameter"] for entry in each["spec"]["secretTargetRef"]] == ["host", "tls", "ca"]


def test_one_executor_runs_and_never_two(manifests: list[Manifest]) -> None:
    executor = named(manifests, "StatefulSet", "executor")["spec"]

    assert executor["replicas"] == 1
    assert executor.get("updateStrategy", {}).get("type", "RollingUpdate") == "RollingUpdate"


def test_two_ingests_run_and_never_three(manifests: list[Manifest]) -> None:
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


def test_every_service_survives_one_disruption_and_is_in_no_nodes_way(manifests: list[Manifest]) -> None:
    budgets = {each["metadata"]["name"]: each["spec"] for each in kinds(manifests, "PodDisruptionBudget")}
    everybody = {name: labels for name, labels, _ in pods(manifests)}

    assert set(budgets) - {"rabbitmq"} == SERVICES
    for name in SERVICES:
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


def test_prometheus_asks_each_service_by_the_labels_that_rules_go_by(production: list[Manifest]) -> None:
    monitor = named(production, "PodMonitor", "sniper")["spec"]
    labels = {name: labels for name, labels, _ in pods(production)}
    [endpoint] = monitor["podMetricsEndpoints"]
    [relabelled] = endpoint["relabelings"]

    asked = {name for name, own in labels.items() if selects(monitor["selector"], own)}
    [job, *_] = read(DEPLOY / "prometheus" / "prometheus.yml")["scrape_configs"]
    assert asked == SERVICES
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


def test_production_expects_as_many_processes_as_run_at_the_least(production: list[Manifest]) -> None:
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


def test_production_runs_an_image_by_its_digest(production: list[Manifest]) -> None:
    images = {spec["containers"][0]["image"] for spec in ours(production).values()}

    assert len(images) == 1
    assert "@sha256:" in images.pop()
