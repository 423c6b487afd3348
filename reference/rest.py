"""The reference of the API, from its description in OpenAPI, which is made here and served as it is."""

import asyncio
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final, cast

from asyncpg import Pool

from api.app import create_app
from api.parts import parts_of
from api.settings import ApiSettings
from reference.markdown import code, page, table
from shared.bus.port import Bus
from shared.postgres.database import Database
from shared.postgres.engine import EngineOnDemand
from shared.process.runtime import Runtime
from shared.process.telemetry import Telemetry

_WORDS: Final = {"date-time": "time (ISO 8601)", "date": "date", "uuid": "UUID"}
_HEAD: Final = (
    "Every call of the API with its parameters and its answers, from the OpenAPI document that it serves itself "
    "(`GET /openapi.json`). [api.md](api.md) explains access, refusals, lists and decisions, with a command for each."
)
PATTERN_CHARACTERS_MAX: Final = 40


@cache
def document() -> Mapping[str, Any]:
    """Return the API's OpenAPI document, without a server behind it."""
    nowhere = Database(pool=cast("Pool", None), engines=cast("EngineOnDemand", None))
    runtime = Runtime(cast("Bus", None), nowhere, Telemetry(), asyncio.Event())
    return create_app(parts_of(runtime), ApiSettings.model_construct(**_defaults())).openapi()


def _defaults() -> dict[str, Any]:
    return {name: field.get_default(call_default_factory=True) for name, field in ApiSettings.model_fields.items()}


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
    parameters = [
        (code(each["name"]), each["in"], kind_of(each["schema"]), _required(each), each.get("description", ""))
        for each in operation.get("parameters", ())
    ]
    if parameters:
        yield from table(("parameter", "in", "value", "", "meaning"), parameters)
        yield ""
    if body := operation.get("requestBody"):
        kinds = [f"{kind_of(each.get('schema', {}))} ({code(kind)})" for kind, each in body["content"].items()]
        yield f"Body: {', '.join(kinds)}"
        yield ""
    yield from table(
        ("status", "answer", "meaning"),
        [(status, _answer(each), each.get("description", "")) for status, each in operation["responses"].items()],
    )


def _answer(response: Mapping[str, Any]) -> str:
    return ", ".join(
        kind_of(each["schema"]) if each.get("schema") else code(kind)
        for kind, each in response.get("content", {}).items()
    )


def _required(parameter: Mapping[str, Any]) -> str:
    default = parameter["schema"].get("default")
    if parameter.get("required"):
        return "required"
    return "" if default is None else f"default {code(str(default))}"


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


def kind_of(schema: Mapping[str, Any]) -> str:
    """Return the kind of a value in a few words, with a link to the body it is."""
    if reference := schema.get("$ref"):
        name = reference.rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    for union in ("anyOf", "oneOf", "allOf"):
        if union in schema:
            return " or ".join(dict.fromkeys(kind_of(each) for each in schema[union]))
    if "enum" in schema:
        return " or ".join(code(str(each)) for each in schema["enum"])
    if "const" in schema:
        return code(str(schema["const"]))
    if schema.get("type") == "array":
        return f"list of {kind_of(schema.get('items', {}))}"
    return " ".join([_WORDS.get(schema.get("format", ""), schema.get("type", "anything")), *_limits(schema)])


def _limits(schema: Mapping[str, Any]) -> Iterator[str]:
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    for name, sign in signs.items():
        if name in schema:
            yield f"{sign} {schema[name]}"
    if "maxLength" in schema:
        yield f"of {schema.get('minLength', 0)} to {schema['maxLength']} characters"
    pattern = schema.get("pattern", "")
    if pattern and len(pattern) <= PATTERN_CHARACTERS_MAX:
        yield f"like {code(pattern)}"
