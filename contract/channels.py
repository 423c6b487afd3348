"""Channels of the AsyncAPI document: exchanges, routing keys and the archive, with the operations on them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from shared.bus.port import Exchange
from shared.events import Event, Health, Listing, ListingRescheduled, Mode, RawListing, Source, Trade, TradeStatus
from shared.wire import topology

Document = dict[str, Any]

_BINDING: Final = "0.3.0"
_DURABLE: Final = {"durable": True, "autoDelete": False, "vhost": "/"}


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


def described(channel: Channel) -> Document:
    """Return *channel* as an AsyncAPI channel."""
    described: Document = {
        "address": channel.address,
        "messages": {channel.model.__name__: message_reference(channel)},
        "bindings": {
            "amqp": {
                "is": "routingKey",
                "exchange": {"name": channel.exchange.name, "type": channel.exchange.kind, **_DURABLE},
                "bindingVersion": _BINDING,
            }
        },
    }
    if channel.parameters:
        described["parameters"] = {
            name: {"enum": [str(value) for value in values]} if values else {"description": "The name of a component."}
            for name, values in channel.parameters.items()
        }
    return described


def archive() -> Document:
    """Return the stream of all events as an AsyncAPI channel."""
    return {
        "address": topology.ARCHIVE.name,
        "description": "A stream of every event of the last days, to read again from any offset.",
        "messages": {channel.model.__name__: message_reference(channel) for channel in CHANNELS},
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
                "bindingVersion": _BINDING,
            }
        },
    }


def operation(channel: Channel) -> Document:
    """Return the sending of events to *channel* as an AsyncAPI operation."""
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{channel.name}"},
        "messages": [{"$ref": f"#/channels/{channel.name}/messages/{channel.model.__name__}"}],
        "bindings": {"amqp": {"deliveryMode": 2, "mandatory": True, "timestamp": True, "bindingVersion": _BINDING}},
    }


def message_reference(channel: Channel) -> Document:
    """Return a reference to the message of *channel*."""
    return {"$ref": f"#/components/messages/{channel.model.__name__}"}
