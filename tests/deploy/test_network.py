"""The NetworkPolicies let through what the system is made of, by the code that says so, and nothing else."""

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path as FilePath
from typing import Final

import pytest
from sqlalchemy import make_url

from contract.rights import RIGHTS as BROKER_RIGHTS
from migrations.rights import GROUPS
from migrations.rights import RIGHTS as DATABASE_RIGHTS
from tests.support.deployment.deployments import DEPLOY, read, unknown_settings
from tests.support.deployment.kubectl import KubectlMissingError
from tests.support.deployment.manifests import Manifest, render, services_of
from tests.support.deployment.network_paths import Path, Peer, paths, peers

TRADING: Final = {"ingest", "executor", "express"}
"""Who asks the exchange."""
ON_THE_BROKER: Final = {each.user for each in BROKER_RIGHTS} - {"reader", "replay"}
IN_THE_DATABASE: Final = (set(DATABASE_RIGHTS) - GROUPS) | {"migrate", "token"}
COMPOSITIONS: Final = ("", "-express")
"""Ends of the names of overlays."""
OUTSIDE: Final = (
    Peer("names", "kube-system", {"k8s-app": "kube-dns"}),
    Peer("prometheus", "monitoring", {"app": "prometheus"}),
    Peer("proxy", "ingress"),
    Peer("keda", "keda"),
    Peer("operator", "cnpg-system"),
    # Labels like ours, elsewhere.
    Peer("stranger", "default", {"app.kubernetes.io/component": "api", "sniper/service": "true"}),
    Peer("impostor", "default", {"app.kubernetes.io/component": "rabbitmq", "sniper/database": "true"}),
    Peer("web", address="203.0.113.7"),
    Peer("office", address="10.1.2.3"),
    Peer("metadata", address="169.254.169.254"),
)
NODES: Final = [Peer(f"rabbitmq-{n}", "sniper-data", {"app.kubernetes.io/component": "rabbitmq"}) for n in range(2)]
INSTANCES: Final = [Peer(f"postgres-{n}", "sniper-data", {"sniper/database": "true"}) for n in range(2)]
"""What the operators make in production."""


def between(sources: Iterable[str], targets: Iterable[str], *ports: int) -> set[Path]:
    targets = list(targets)
    return {(one, other, port) for one in sources for other in targets for port in ports if one != other}


def rendered(overlay: str) -> Sequence[Manifest]:
    try:
        return render(overlay)
    except KubectlMissingError as error:
        pytest.fail(str(error), pytrace=False)


def test_each_service_has_a_user_of_the_broker_and_a_role_of_the_database() -> None:
    assert services_of("production") | services_of("production-express") == ON_THE_BROKER
    assert ON_THE_BROKER | {"migrate", "token"} == IN_THE_DATABASE


@pytest.mark.parametrize("composition", COMPOSITIONS)
def test_locally_only_the_needed_paths_are_open(composition: str) -> None:
    manifests, services = rendered(f"local{composition}"), services_of(f"local{composition}")
    in_the_database = IN_THE_DATABASE & (services | {"migrate", "token"})

    assert paths(manifests, [*peers(manifests), *OUTSIDE]) == {
        *between(ON_THE_BROKER & services, ["rabbitmq"], 5672),
        *between(in_the_database, ["postgres"], 5432),
        *between(TRADING & services, ["simulator"], 8080),
        *between(in_the_database, ["names"], 53),
        *between(["prometheus"], services, 9464),
        *between(["proxy"], ["api"], 8000),
    }


@pytest.mark.parametrize("composition", COMPOSITIONS)
def test_in_production_only_the_needed_paths_are_open(composition: str) -> None:
    manifests, services = rendered(f"production{composition}"), services_of(f"production{composition}")
    in_the_database = IN_THE_DATABASE & (services | {"migrate", "token"})
    nodes, instances = [each.name for each in NODES], [each.name for each in INSTANCES]

    assert paths(manifests, [*peers(manifests), *NODES, *INSTANCES, *OUTSIDE]) == {
        *between(ON_THE_BROKER & services | {"keda"}, nodes, 5671),
        *between(in_the_database, instances, 5432),
        *between(TRADING & services | {"notifier"}, ["web"], 443),
        *between([*in_the_database, *nodes, *instances], ["names"], 53),
        *between(["prometheus"], services, 9464),
        *between(["prometheus"], nodes, 15692),
        *between(["prometheus"], instances, 9187),
        *between(["proxy"], ["api"], 8000),
        *between(nodes, nodes, 4369, 25672),
        *between([*instances, "operator"], instances, 5432, 8000),
        # The cluster's API, and backups: neither has an address that is known here.
        *between([*nodes, *instances], [each.name for each in OUTSIDE], 443, 6443),
    }


COMPONENTS: Final = {
    "tracing": between(services_of("production"), ["collector"], 4318),
    "mail": between(["notifier"], ["web"], 465, 587),
}
COLLECTOR: Final = Peer("collector", "tracing")


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_component_that_is_named_opens_its_paths_and_no_others(component: str, tmp_path: FilePath) -> None:
    shutil.copytree(DEPLOY / "kubernetes", tmp_path / "kubernetes")
    overlay = tmp_path / "kubernetes" / "overlays" / "production"
    file = overlay / "services" / "kustomization.yaml"
    file.write_text(file.read_text().replace("components: []", f"components: [../../../components/{component}]"))
    plain, chosen = rendered("production"), render(overlay)

    everybody = [*peers(chosen), *OUTSIDE, COLLECTOR]
    assert paths(chosen, everybody) - paths(plain, everybody) == COMPONENTS[component]
    assert paths(plain, everybody) <= paths(chosen, everybody)


def test_traces_go_where_the_way_is_open() -> None:
    component = read(DEPLOY / "kubernetes" / "components" / "tracing" / "kustomization.yaml")
    [setting] = component["configMapGenerator"][0]["literals"]
    name, _, url = setting.partition("=")

    assert unknown_settings([name]) == []
    assert make_url(url).host == f"{COLLECTOR.name}.{COLLECTOR.namespace}"
    assert make_url(url).port == 4318
