"""Promises of a release hold: its events are still read, and its readers cope with today's."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator, ValidationError

from contract.channels import CHANNELS
from contract.files import FROZEN
from contract.samples import SAMPLES
from contract.schemas import file_name, schemas
from shared.events import Event
from shared.wire.cloudevents import EVENT_TYPES, decode, encode
from shared.wire.topology import PipelineEvent, to_message
from tests.support.data import strategies
from tests.support.data.builders import a_trade

ROOT = Path(__file__).parents[3]
RELEASES = sorted(folder for folder in (ROOT / FROZEN).iterdir() if folder.is_dir())
EVENTS = [file for release in RELEASES for file in sorted((release / "events").iterdir())]
SCHEMAS = [file for release in RELEASES for file in sorted((release / "schemas").iterdir())]


def named(file: Path) -> str:
    return f"{file.parts[-3]}/{file.stem}"


@cache
def validators() -> Mapping[str, list[Draft202012Validator]]:
    """Return today's schemas and those of every release, by the name of their file."""
    found = {name: [Draft202012Validator(schema)] for name, schema in schemas().items()}
    for file in SCHEMAS:
        found.setdefault(file.name, []).append(Draft202012Validator(json.loads(file.read_text(encoding="utf-8"))))
    return found


def validate(event: Event) -> None:
    sent = json.loads(encode(event))
    for validator in validators()[file_name(type(event))]:
        validator.validate(sent)


@pytest.mark.parametrize("file", EVENTS, ids=named)
def test_an_event_of_a_release_is_read_today(file: Path) -> None:
    sent = json.loads(file.read_text(encoding="utf-8"))
    event = decode(file.read_bytes())

    assert event.event_type == sent["type"]
    assert holds(json.loads(encode(event))["data"], sent["data"])


@pytest.mark.parametrize("file", EVENTS, ids=named)
def test_an_event_of_a_release_is_one_of_its_schema(file: Path) -> None:
    sent = json.loads(file.read_text(encoding="utf-8"))
    version = sent["dataschema"].rpartition(":")[2]
    schema = file.parents[1] / "schemas" / f"{sent['type']}.{version}.json"

    Draft202012Validator(json.loads(schema.read_text(encoding="utf-8"))).validate(sent)


@strategies.steady
@given(strategies.events)
def test_todays_events_are_what_every_release_promised(event: Event) -> None:
    validate(event)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_what_every_release_promised(name: str) -> None:
    validate(SAMPLES[name])


def test_every_type_has_a_sample_with_all_its_fields() -> None:
    for model in EVENT_TYPES.values():
        (full,) = [event for name, event in SAMPLES.items() if name.endswith(".all") and type(event) is model]
        assert full.model_fields_set == set(model.model_fields)


@pytest.mark.parametrize(
    "change",
    [
        {"symbol": "ABC-USDT"},
        {"symbol": "AB"},
        {"quote_qty": 100.0},
        {"base_qty": "-1"},
        {"base_qty": None},
        {"created_at": "2026-03-02T13:00:00+01:00"},
        {"mode": "paper"},
        {"latency_ms": -1},
    ],
    ids=str,
)
def test_a_schema_refuses_what_is_never_sent(change: dict[str, Any]) -> None:
    sent = json.loads(encode(a_trade()))
    sent["data"] |= change

    for validator in validators()["sniper.trade.1.json"]:
        with pytest.raises(ValidationError):
            validator.validate(sent)


@strategies.steady
@given(strategies.events)
def test_an_event_goes_where_the_document_says(event: PipelineEvent) -> None:
    message = to_message(event)
    (channel,) = [channel for channel in CHANNELS if channel.model is type(event)]

    assert message.exchange == channel.exchange.name
    for said, word in zip(channel.address.split("."), message.routing_key.split("."), strict=True):
        allowed = channel.parameters.get(said.strip("{}"))
        assert said == word if allowed is None else (not allowed or word in allowed)


def holds(found: Any, wanted: Any) -> bool:
    """Return whether *found* has all of *wanted*; it may have more fields."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(
            name in found and holds(found[name], value) for name, value in wanted.items()
        )
    return bool(found == wanted)
