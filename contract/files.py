"""Derived files, by their paths in the repository."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from contract import asyncapi, dashboards, express_monitoring, kubernetes, metrics
from contract.definitions import definitions
from contract.samples import SAMPLES
from contract.schemas import schemas
from migrations import roles
from shared.wire.cloudevents import encode

ROLES_HEAD: Final = "-- Made by `make contract`; the same as `sniper migrate --roles`. docs/deployment.md says when.\n"
FROZEN: Final = Path("contract/frozen")
"""Contract of each release, in a folder by its version; nothing below it ever changes."""


def generated() -> Mapping[str, str]:
    """Return the text of each file derived from the models, the topology and the metrics."""
    described = {f"docs/schemas/{name}": _json(schema) for name, schema in schemas().items()}
    pages = {"docs/asyncapi.yaml": asyncapi.render(), "docs/metrics.md": metrics.render()}
    broker = {"deploy/rabbitmq/definitions.json": _json(definitions())}
    database = {"deploy/postgres/roles.sql": ROLES_HEAD + roles.script()}
    monitoring = {**dashboards.files(), **express_monitoring.files()}
    return {**pages, **broker, **database, **described, **monitoring, **kubernetes.files()}


def frozen(version: str) -> Mapping[str, str]:
    """Return the contract of the release *version*: its schemas, and its events as sent."""
    folder = FROZEN / version
    described = {f"{folder}/schemas/{name}": _json(schema) for name, schema in schemas().items()}
    sent = {f"{folder}/events/{name}.json": _json(json.loads(encode(event))) for name, event in SAMPLES.items()}
    return described | sent


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
