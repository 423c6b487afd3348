"""Reference of the REST API, from its OpenAPI document, which is generated here and served as it is."""

import asyncio
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final, cast

from asyncpg import Pool

from api.app import create_app
from api.app_state import build_app_state
from api.settings import ApiSettings
from reference.markdown import code, page, table
from reference.schema_types import answer_of, kind_of
from shared.bus.port import Bus
from shared.postgres.database import Database
from shared.postgres.engine import EngineOnDemand
from shared.process.runtime import Runtime
from shared.process.telemetry import Telemetry

_HEAD: Final = (
    "Every call of the API with its parameters and its answers, from the OpenAPI document that it serves itself "
    "(`GET /openapi.json`). [api.md](api.md) explains access, refusals, lists and decisions, with a command for each."
)


@cache
def document() -> Mapping[str, Any]:
    """Return the API's OpenAPI document, without a server behind it."""
    nowhere = Database(pool=cast("Pool", None), engines=cast("EngineOnDemand", None))
    runtime = Runtime(cast("Bus", None), nowhere, Telemetry(), asyncio.Event())
    defaults: dict[str, Any] = {
        name: field.get_default(call_default_factory=True) for name, field in ApiSettings.model_fields.items()
    }
    return create_app(build_app_state(runtime), ApiSettings.model_construct(**defaults), described=True).openapi()


def rest_page() -> str:
    """Return docs/rest.md."""
    described = document()
    calls = [
        (f"{method.upper()} {path}", operation)
        for path, methods in sorted(described["paths"].items())
        for method, operation in methods.items()
    ]
    schemas = sorted(described["components"]["schemas"].items())
    return page(
        "REST reference",
        [_HEAD],
        ["## Calls"],
        *(_call(name, operation) for name, operation in calls),
        ["## Bodies"],
        *(_schema(name, schema) for name, schema in schemas),
    )


def _call(name: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f"### {name}"
    yield ""
    yield " ".join(operation.get("description", operation.get("summary", "")).split())
    yield ""
    if parameters := operation.get("parameters"):
        yield from table(("parameter", "in", "value", "", "meaning"), map(_parameter, parameters))
        yield ""
    if body := operation.get("requestBody"):
        kinds = [f"{kind_of(each.get('schema', {}))} ({code(kind)})" for kind, each in body["content"].items()]
        yield f"Body: {', '.join(kinds)}"
        yield ""
    yield from table(
        ("status", "answer", "meaning"),
        [(status, answer_of(each), each.get("description", "")) for status, each in operation["responses"].items()],
    )


def _parameter(parameter: Mapping[str, Any]) -> tuple[str, ...]:
    name, schema, default = code(parameter["name"]), parameter["schema"], parameter["schema"].get("default")
    required = "required" if parameter.get("required") else "" if default is None else f"default {code(str(default))}"
    return name, parameter["in"], kind_of(schema), required, parameter.get("description", "")


def _schema(name: str, schema: Mapping[str, Any]) -> Iterator[str]:
    yield f"### {name}"
    yield ""
    yield " ".join(schema.get("description", "").split()) or kind_of(schema)
    properties = schema.get("properties", {})
    if properties:
        required = schema.get("required", ())
        yield ""
        yield from table(
            ("field", "value", "", "meaning"),
            [
                (code(field), kind_of(each), "" if field in required else "optional", each.get("description", ""))
                for field, each in properties.items()
            ],
        )
