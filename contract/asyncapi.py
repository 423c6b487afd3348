"""AsyncAPI document: the events on each exchange, their routing keys and schemas.

https://www.asyncapi.com/docs/reference/specification/v3.0.0
https://github.com/asyncapi/bindings/tree/master/amqp
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from contract.samples import SAMPLES
from contract.schemas import event_schema
from shared.bus.port import Exchange
from shared.events import Event, Health, Listing, ListingRescheduled, Mode, RawListing, Source, Trade, TradeStatus
from shared.wire import topology
from shared.wire.cloudevents import CONTENT_TYPE, encode

Document = dict[str, Any]

_CHANNEL_BINDING: Final = "0.3.0"
_COMPONENTS: Final = "#/components/schemas/{model}"
_INTRODUCTION: Final = """\
Every new coin that MEXC lists, once; what is bought and sold of it; and how the system is doing.
Bodies are CloudEvents 1.0 in structured mode. Delivery is at least once: tell duplicates by the event's id.
Ignore fields that you do not know.
"""


@dataclass(frozen=True, slots=True)
class Channel:
    """Channel of events of one model; *parameters* are the variables of its address, with their values."""

    name: str
    model: type[Event]
    exchange: Exchange
    address: str
    parameters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


CHANNELS: Final = (
    Channel("rawListings", RawListing, topology.RAW, "raw.{source}", {"source": tuple(Source)}),
    Channel("listings", Listing, topology.EVENTS, "listing.detected"),
    Channel("reschedulings", ListingRescheduled, topology.EVENTS, "listing.rescheduled"),
    Channel(
        "trades",
        Trade,
        topology.EVENTS,
        "trade.{mode}.{status}",
        {"mode": tuple(Mode), "status": tuple(TradeStatus)},
    ),
    Channel("health", Health, topology.EVENTS, "health.{component}", {"component": ()}),
)


def render() -> str:
    """Return the document as YAML."""
    heading = "# Made by `make contract` from shared/events and shared/wire/topology.py.\n"
    return heading + yaml.dump(document(), Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120)


def document() -> Document:
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "MEXC listing sniper",
            "version": "1.0.0",
            "description": _INTRODUCTION,
            "license": {"name": "MIT"},
        },
        "defaultContentType": CONTENT_TYPE,
        "servers": {
            "broker": {
                "host": "{host}:{port}",
                "protocol": "amqp",
                "protocolVersion": "0.9.1",
                "description": "RabbitMQ 3.10 or newer; `amqps` where it has a certificate.",
                "variables": {"host": {"default": "localhost"}, "port": {"default": "5672"}},
            }
        },
        "channels": {channel.name: _channel(channel) for channel in CHANNELS} | {"archive": _archive()},
        "operations": {f"send{_capital(channel.name)}": _operation(channel) for channel in CHANNELS},
        "components": {
            "messages": {channel.model.__name__: _message(channel.model) for channel in CHANNELS},
            "schemas": _schemas(),
        },
    }


def _channel(channel: Channel) -> Document:
    described: Document = {
        "address": channel.address,
        "messages": {channel.model.__name__: _message_reference(channel)},
        "bindings": {
            "amqp": {
                "is": "routingKey",
                "exchange": {
                    "name": channel.exchange.name,
                    "type": channel.exchange.kind,
                    "durable": True,
                    "autoDelete": False,
                    "vhost": "/",
                },
                "bindingVersion": _CHANNEL_BINDING,
            }
        },
    }
    if channel.parameters:
        described["parameters"] = {name: _parameter(values) for name, values in channel.parameters.items()}
    return described


def _parameter(values: tuple[str, ...]) -> Document:
    return {"enum": [str(value) for value in values]} if values else {"description": "The name of a component."}


def _archive() -> Document:
    return {
        "address": topology.ARCHIVE.name,
        "description": "A stream of every event of the last days, to read again from any offset.",
        "messages": {channel.model.__name__: _message_reference(channel) for channel in CHANNELS},
        "bindings": {
            "amqp": {
                "is": "queue",
                "queue": {
                    "name": topology.ARCHIVE.name,
                    "durable": True,
                    "exclusive": False,
                    "autoDelete": False,
                    "vhost": "/",
                },
                "bindingVersion": _CHANNEL_BINDING,
            }
        },
    }


def _operation(channel: Channel) -> Document:
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{channel.name}"},
        "messages": [{"$ref": f"#/channels/{channel.name}/messages/{channel.model.__name__}"}],
        "bindings": {
            "amqp": {"deliveryMode": 2, "mandatory": True, "timestamp": True, "bindingVersion": _CHANNEL_BINDING}
        },
    }


def _message(model: type[Event]) -> Document:
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
                "bindingVersion": _CHANNEL_BINDING,
            }
        },
    }


def _message_reference(channel: Channel) -> Document:
    return {"$ref": f"#/components/messages/{channel.model.__name__}"}


def _schemas() -> Document:
    found: Document = {}
    for channel in CHANNELS:
        schema = event_schema(channel.model, references=_COMPONENTS)
        parts = schema.pop("$defs")
        found |= {_envelope(channel.model): schema} | parts
    return found


def _envelope(model: type[Event]) -> str:
    return f"{model.__name__}Event"


def _capital(name: str) -> str:
    return name[0].upper() + name[1:]


class _Plain(yaml.SafeDumper):
    """Dumps repeated values in full, without aliases, and paragraphs as blocks."""

    def ignore_aliases(self, data: object) -> bool:
        del data
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Plain.add_representer(str, _text)
