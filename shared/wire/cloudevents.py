"""Events as bytes: CloudEvents 1.0 in structured mode.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
"""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json, to_json

from shared.errors import PermanentError
from shared.events import Event, Health, Listing, ListingRescheduled, RawListing, Trade

CONTENT_TYPE: Final = "application/cloudevents+json"

EVENT_TYPES: Final[Mapping[str, type[Event]]] = MappingProxyType(
    {model.event_type: model for model in (RawListing, Listing, ListingRescheduled, Trade, Health)}
)


class _Envelope(BaseModel):
    """The attributes of CloudEvents 1.0 that we read."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    specversion: Literal["1.0"]
    id: str = Field(min_length=1)
    type: str
    data: dict[str, Any]


def encode(event: Event) -> bytes:
    """Return *event* as the bytes of a structured-mode CloudEvent."""
    return to_json(
        {
            "specversion": "1.0",
            "id": event.id,
            "source": event.producer,
            "type": event.event_type,
            "subject": event.subject,
            "time": event.time,
            "datacontenttype": "application/json",
            "dataschema": schema_urn(type(event)),
            "data": event,
        },
        exclude={"data": {"id"}},
        exclude_none=True,
    )


@cache
def schema_urn(model: type[Event]) -> str:
    """Return the URN of a model's schema version."""
    return f"urn:{model.event_type.replace('.', ':')}:{model.schema_version}"


def decode(body: bytes) -> Event:
    """Return the event in *body*; raise PermanentError naming what is wrong with it."""
    try:
        envelope = _Envelope.model_validate(from_json(body))
        model = EVENT_TYPES.get(envelope.type)
        if model is None:
            raise PermanentError(f"type: unknown event type {envelope.type[:60]!r}")
        return model.model_validate({**envelope.data, "id": envelope.id})
    except ValidationError as error:
        raise PermanentError(explain(error)) from error
    except ValueError as error:
        raise PermanentError(f"not JSON: {error}") from error


def explain(error: ValidationError) -> str:
    """Return the errors as ``field: message``, without the values.

    The contract's own messages (types starting with ``contract_``) already name their field.
    """
    return "; ".join(
        problem["msg"]
        if problem["type"].startswith("contract_")
        else f"{'.'.join(str(part) for part in problem['loc']) or 'body'}: {problem['msg']}"
        for problem in error.errors(include_input=False, include_url=False)
    )


def problems(error: ValidationError) -> list[tuple[str, str]]:
    """Return each invalid field with its message, without the values.

    The contract's own messages about several fields together name one before a colon.
    """
    found: list[tuple[str, str]] = []
    for problem in error.errors(include_input=False, include_url=False):
        field, said = ".".join(str(part) for part in problem["loc"]), problem["msg"]
        if not field and problem["type"].startswith("contract_"):
            field, _, said = said.partition(": ")
        found.append((field, said))
    return found


def unexpected(event: Event, wanted: type[Event]) -> PermanentError:
    """Return the error for an event of another type than its consumer reads."""
    return PermanentError(f"type: expected {wanted.event_type}, got {event.event_type}")
