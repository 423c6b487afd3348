"""Permissions on the broker: a user for each service, and two for other programs."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from shared.bus.port import Exchange, Queue
from shared.wire import topology

NOTHING: Final = "^$"
READER_QUEUES: Final = r"^reader\..+$"


@dataclass(frozen=True, slots=True)
class Rights:
    """Permissions of one user. Services may declare and bind nothing: their queues are created by an operator."""

    user: str
    consumes: Sequence[Queue] = ()
    publishes: Mapping[Exchange, str] = field(default_factory=lambda: MappingProxyType({}))
    """Routing keys, as a regular expression, by exchange."""
    binds: Mapping[Exchange, str] = field(default_factory=lambda: MappingProxyType({}))
    """Routing keys that it may bind its own queues to, as a regular expression, by exchange."""
    own_queues: str = NOTHING
    """Regular expression of queue names that it may declare."""

    def permission(self) -> Mapping[str, str]:
        """Return the three regular expressions of RabbitMQ, over names of queues and exchanges."""
        exchanges = [exchange.name for exchange in self.publishes]
        sources = [queue.name for queue in self.consumes] + [exchange.name for exchange in self.binds]
        return {
            "configure": self.own_queues,
            "write": _any_of(exchanges, self.own_queues),
            "read": _any_of(sources, self.own_queues),
        }

    def topic_permissions(self) -> Mapping[str, Mapping[str, str]]:
        """Return the regular expressions over routing keys, by topic exchange."""
        topics = [exchange for exchange in (*self.publishes, *self.binds) if exchange.kind == "topic"]
        return {
            exchange.name: {
                "write": self.publishes.get(exchange, NOTHING),
                "read": self.binds.get(exchange, NOTHING),
            }
            for exchange in topics
        }


def together(user: str, one: Rights, other: Rights) -> Rights:
    """Return the rights of *user*, who may do what these two services may, and no more."""
    publishes = {exchange: _either(exchange, one, other) for exchange in {**one.publishes, **other.publishes}}
    return Rights(user, consumes=(*one.consumes, *other.consumes), publishes=publishes)


def _either(exchange: Exchange, *rights: Rights) -> str:
    """Return the regular expression of the routing keys that any of *rights* publishes to *exchange* by."""
    return "|".join(dict.fromkeys(each.publishes[exchange] for each in rights if exchange in each.publishes))


def _any_of(names: Sequence[str], pattern: str) -> str:
    exact = "|".join(re.escape(name) for name in names)
    if pattern == NOTHING:
        return f"^({exact})$" if names else NOTHING
    return f"^({exact})$|{pattern}" if names else pattern


ANYTHING: Final = ".*"
"""For exchanges without routing keys."""

_SIGHTINGS: Final = r"^raw\.mexc_(websocket|rest_api)$"

_INGEST: Final = Rights(
    "ingest",
    publishes={
        topology.RAW: _SIGHTINGS,
        topology.EVENTS: r"^health\.ingest$",
        topology.CANARY: r"^canary\.raw$",
        topology.DEAD: ANYTHING,
    },
)
_EXECUTOR: Final = Rights(
    "executor",
    consumes=(topology.EXECUTOR_LISTINGS, topology.EXECUTOR_OPENINGS),
    publishes={
        topology.EVENTS: r"^(trade\.[a-z-]+\.[a-z]+|health\.(executor|exits))$",
        topology.DEAD: ANYTHING,
    },
)

RIGHTS: Final = (
    _INGEST,
    Rights(
        "dedup",
        consumes=(topology.DEDUP_RAW,),
        publishes={
            # Those that were claimed ahead of it, once more.
            topology.RAW: _SIGHTINGS,
            topology.EVENTS: r"^(listing\.(detected|rescheduled)|health\.dedup)$",
            topology.CANARY: r"^canary\.detected$",
            topology.DEAD: ANYTHING,
        },
    ),
    _EXECUTOR,
    # The express way: both in one process.
    together("express", _INGEST, _EXECUTOR),
    Rights(
        "persister",
        consumes=(topology.PERSISTER_LISTINGS, topology.PERSISTER_TRADES, topology.PERSISTER_HEALTH),
        publishes={topology.EVENTS: r"^health\.persister$", topology.DEAD: ANYTHING},
    ),
    Rights("api", publishes={topology.RAW: r"^raw\.test_injection$", topology.EVENTS: r"^health\.api$"}),
    Rights(
        "notifier",
        consumes=(topology.NOTIFIER_EVENTS,),
        publishes={topology.EVENTS: r"^health\.notifier$"},
    ),
    Rights("reader", binds={topology.EVENTS: r"^(listing|trade)\..+$"}, own_queues=READER_QUEUES),
    Rights("replay", consumes=(topology.ARCHIVE,)),
)
