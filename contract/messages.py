"""Messages of the AsyncAPI document, with their schemas and samples."""

import json
from collections.abc import Iterable
from typing import Any, Final

from contract.samples import SAMPLES
from contract.schemas import event_schema
from shared.events import Event
from shared.wire.cloudevents import CONTENT_TYPE, encode

Document = dict[str, Any]

_BINDING: Final = "0.3.0"
_COMPONENTS: Final = "#/components/schemas/{model}"


def message(model: type[Event]) -> Document:
    """Return the message of *model*, with its sample events."""
    return {
        "name": model.event_type,
        "title": model.__name__,
        "contentType": CONTENT_TYPE,
        "payload": {"$ref": _COMPONENTS.format(model=_envelope(model))},
        "examples": [
            {"name": name, "payload": json.loads(encode(event))}
            for name, event in SAMPLES.items()
            if type(event) is model
        ],
        "bindings": {
            "amqp": {
                "messageType": model.event_type,
                "bindingVersion": _BINDING,
            }
        },
    }


def schemas_of(models: Iterable[type[Event]]) -> Document:
    """Return the schemas of *models* and of their parts, by name."""
    found: Document = {}
    for model in models:
        schema = event_schema(model, references=_COMPONENTS)
        parts = schema.pop("$defs")
        found |= {_envelope(model): schema} | parts
    return found


def _envelope(model: type[Event]) -> str:
    return f"{model.__name__}Event"
