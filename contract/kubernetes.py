"""Derived parts of deploy/kubernetes: Prometheus' rules, and the users of the overlay `local`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from contract.definitions import PREFIX, definitions
from migrations import roles
from migrations.rights import GROUPS, RIGHTS

OVERLAYS: Final = "deploy/kubernetes/overlays"
RULES: Final = f"{OVERLAYS}/production/services/rules.yaml"
BROKER: Final = f"{OVERLAYS}/local/definitions.json"
ROLES: Final = f"{OVERLAYS}/local/roles.sql"
PASSWORD: Final = "local"  # noqa: S105 - no secret
"""Password of every user in the overlay `local`, whose data ends with its pods."""
SERVICES: Final = tuple(name for name in RIGHTS if name not in GROUPS)
_PROMETHEUS: Final = Path(__file__).parents[1] / "deploy" / "prometheus"
_SOURCES: Final = ("expected.yml", "recording.yml", "alerts.yml")
_EXPECTED: Final = "sniper:processes:expected"
_KUBERNETES: Final = Path(__file__).parents[1] / "deploy" / "kubernetes"
_SCALING: Final = _KUBERNETES / "overlays" / "production" / "services" / "scaling.yaml"
_MADE: Final = "Made by `make contract`"


def files() -> Mapping[str, str]:
    """Return the text of each derived file by its path."""
    return {RULES: rules_resource(), BROKER: broker_definitions(), ROLES: roles_script()}


def rules_resource() -> str:
    """Return the rules of Prometheus as a resource of its operator."""
    rule = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "sniper"},
        "spec": {"groups": [group for name in _SOURCES for group in _groups(name)]},
    }
    dumped = yaml.safe_dump(rule, sort_keys=False, allow_unicode=True, width=120)
    return f"# {_MADE} from deploy/prometheus.\n{dumped}"


def _groups(name: str) -> list[Any]:
    groups: list[Any] = yaml.safe_load((_PROMETHEUS / name).read_text(encoding="utf-8"))["groups"]
    for rule in (rule for group in groups for rule in group["rules"] if rule.get("record") == _EXPECTED):
        rule["expr"] = f"vector({_replicas(rule['labels']['service'])})"
    return groups


def _replicas(service: str) -> int:
    """Return how many pods of *service* production runs at the least."""
    scaled = [each for each in _documents(_SCALING) if each["kind"] == "ScaledObject"]
    for each in scaled:
        if each["spec"]["scaleTargetRef"]["name"] == service:
            return int(each["spec"]["minReplicaCount"])
    base = _documents(_KUBERNETES / "base" / f"{service}.yaml")
    [replicas] = [each["spec"]["replicas"] for each in base if each["kind"] in {"Deployment", "StatefulSet"}]
    return int(replicas)


def _documents(path: Path) -> list[Any]:
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def broker_definitions() -> str:
    """Return the broker's definitions with a password per service, which RabbitMQ hashes."""
    loaded = definitions()
    for user in loaded["users"]:
        if user["name"].removeprefix(PREFIX) in SERVICES:
            del user["password_hash"], user["hashing_algorithm"]
            user["password"] = PASSWORD
    return json.dumps(loaded, indent=2) + "\n"


def roles_script() -> str:
    """Return the script for PostgreSQL's first start; the migration grants the rights."""
    made = "".join(f"CREATE ROLE {roles.PREFIX}{name} LOGIN PASSWORD '{PASSWORD}';\n" for name in SERVICES)
    return f"-- {_MADE}.\n{made}"
