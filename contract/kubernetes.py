"""Derived parts of deploy/kubernetes: Prometheus' rules, and the users of the overlay `local`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

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
_SOURCES: Final = ("recording.yml", "alerts.yml")
_MADE: Final = "Made by `make contract`"


def files() -> Mapping[str, str]:
    """Return the text of each derived file by its path."""
    return {RULES: rules_resource(), BROKER: broker_definitions(), ROLES: roles_script()}


def rules_resource() -> str:
    """Return the rules of Prometheus as a resource of its operator."""
    sources = [yaml.safe_load((_PROMETHEUS / name).read_text(encoding="utf-8")) for name in _SOURCES]
    rule = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "sniper"},
        "spec": {"groups": [group for source in sources for group in source["groups"]]},
    }
    dumped = yaml.safe_dump(rule, sort_keys=False, allow_unicode=True, width=120)
    return f"# {_MADE} from deploy/prometheus.\n{dumped}"


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
