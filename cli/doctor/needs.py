"""Broker permissions that each service needs, to compare with those of its user."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from cli.composing.services import EXPRESS, EXPRESS_PARTS
from shared.bus.port import Exchange, Queue, Topology
from shared.events import Mode, Source, TradeStatus
from shared.wire import topology

Address = tuple[Exchange, str]
"""An exchange and a routing key."""


@dataclass(frozen=True, slots=True)
class BrokerNeeds:
    publishes: Sequence[Address] = ()
    consumes: Sequence[Queue] = ()


def _health(*components: str) -> Sequence[Address]:
    return [(topology.EVENTS, f"health.{component}") for component in components]


_TRADES: Final = [(topology.EVENTS, f"trade.{mode}.{status}") for mode in Mode for status in TradeStatus]
_SEEN: Final = (Source.MEXC_WEBSOCKET, Source.MEXC_REST_API)

NEEDS: Final[Mapping[str, BrokerNeeds]] = MappingProxyType(
    {
        "ingest": BrokerNeeds(
            publishes=[
                *((topology.RAW, f"raw.{source}") for source in _SEEN),
                *_health("ingest"),
                (topology.CANARY, topology.CANARY_RAW),
            ],
        ),
        "dedup": BrokerNeeds(
            publishes=[
                (topology.EVENTS, "listing.detected"),
                (topology.EVENTS, "listing.rescheduled"),
                *((topology.RAW, f"raw.{source}") for source in _SEEN),
                *_health("dedup"),
                (topology.CANARY, topology.CANARY_DETECTED),
            ],
            consumes=(topology.DEDUP_RAW,),
        ),
        "executor": BrokerNeeds(
            publishes=[*_TRADES, *_health("executor", "exits")],
            consumes=(topology.EXECUTOR_LISTINGS, topology.EXECUTOR_OPENINGS),
        ),
        "persister": BrokerNeeds(
            publishes=_health("persister"),
            consumes=(topology.PERSISTER_LISTINGS, topology.PERSISTER_TRADES, topology.PERSISTER_HEALTH),
        ),
        "api": BrokerNeeds(
            publishes=[(topology.RAW, f"raw.{Source.TEST_INJECTION}"), *_health("api")],
        ),
        "notifier": BrokerNeeds(publishes=_health("notifier"), consumes=(topology.NOTIFIER_EVENTS,)),
    }
)


def needs_of(names: Sequence[str]) -> BrokerNeeds:
    """Return the combined needs of these services."""
    chosen = [NEEDS[part] for name in names for part in (EXPRESS_PARTS if name == EXPRESS else (name,))]
    return BrokerNeeds(
        publishes=[address for each in chosen for address in each.publishes],
        consumes=[queue for each in chosen for queue in each.consumes],
    )


def topology_of(names: Sequence[str]) -> Topology:
    """Return the topology that these services run on."""
    return topology.NOTIFYING if "notifier" in names else topology.SNIPER
