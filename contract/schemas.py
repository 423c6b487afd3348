"""JSON Schemas of the events as sent: CloudEvents with the data of a model."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from contract.docstrings import field_docstrings
from shared import events
from shared.events import Event
from shared.wire.cloudevents import EVENT_TYPES, schema_urn

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
JsonSchema = dict[str, Any]


class _AsSent(GenerateJsonSchema):
    """Schema of events as sent, not as read: a field without a value is absent, and none is null."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchema:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchema:
        described = super().default_schema(schema)
        if described.get("default", ...) is None:
            del described["default"]
        return described

    def field_title_should_be_set(self, schema: object) -> bool:
        """Leave out titles that repeat the name of their field."""
        del schema
        return False


def file_name(model: type[Event]) -> str:
    """Return the name of the file that holds the schema of *model* in its version."""
    return f"{model.event_type}.{model.schema_version}.json"


@cache
def schemas() -> Mapping[str, JsonSchema]:
    """Return the schema of every event by the name of its file."""
    return {file_name(model): {"$schema": DIALECT, **event_schema(model)} for model in EVENT_TYPES.values()}


def event_schema(model: type[Event], *, references: str = "#/$defs/{model}") -> JsonSchema:
    """Return the schema of *model* as a whole CloudEvent; the parts are in its `$defs`, by the names of the models."""
    name = model.__name__
    parts = _parts(model, references)
    subject, time = ({"type": "string", "minLength": 1}, {"type": "string", "format": "date-time"})
    attributes: dict[str, JsonSchema] = {
        "specversion": {"const": "1.0"},
        "id": {
            "type": "string",
            "minLength": 1,
            "description": "The same for every delivery and every publication of one event: count duplicates by it.",
        },
        "source": {"const": model.producer},
        "type": {"const": model.event_type},
        "subject": subject | {"description": "What the event is about: the symbol, or the component."},
        "time": time | {"description": "When it happened, in UTC."},
        "datacontenttype": {"const": "application/json"},
        "dataschema": {"const": schema_urn(model)},
        "data": {"$ref": references.format(model=name)},
    }
    return {
        "title": model.event_type,
        "description": parts[name].get("description", ""),
        "type": "object",
        "required": list(attributes),
        "properties": attributes,
        "$defs": parts,
    }


def _parts(model: type[Event], references: str) -> dict[str, JsonSchema]:
    """Return the schemas of *model* and of what it holds, by name, without the id, which the envelope carries."""
    described = model.model_json_schema(mode="serialization", schema_generator=_AsSent, ref_template=references)
    parts: dict[str, JsonSchema] = {model.__name__: described, **described.pop("$defs", {})}
    del described["properties"]["id"]
    described["required"].remove("id")
    for name, part in parts.items():
        described_by = getattr(events, name, None)
        if isinstance(described_by, type):
            words = field_docstrings(described_by)
            for field, schema in part.get("properties", {}).items():
                if field in words:
                    schema["description"] = f"{words[field]} {schema.get('description', '')}".rstrip()
    return parts
