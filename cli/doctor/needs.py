"""What each service must be able to do on the broker, to compare with what its user may."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from shared.bus.port import Exchange, Queue, Topology
from shared.events import Mode, Source, TradeStatus
from shared.wire import topology

Address = tuple[Exchange, str]
"""An exchange and a routing key."""


@dataclass(frozen=True, slots=True)
class Needs:
    publishes: Sequence[Address] = ()
    consumes: Sequence[Queue] = ()


def _health(*components: str) -> Sequence[Address]:
    return [(topology.EVENTS, f"health.{component}") for component in components]


_TRADES: Final = [(topology.EVENTS, f"trade.{mode}.{status}") for mode in Mode for status in TradeStatus]
_SEEN: Final = (Source.MEXC_WEBSOCKET, Source.MEXC_REST_API)

NEEDS: Final[Mapping[str, Needs]] = MappingProxyType(
    {
        "ingest": Needs(
            publishes=[
                *((topology.RAW, f"raw.{source}") for source in _SEEN),
                *_health("ingest"),
                (topology.CANARY, topology.CANARY_RAW),
            ],
        ),
        "dedup": Needs(
            publishes=[
                (topology.EVENTS, "listing.detected"),
                (topology.EVENTS, "listing.rescheduled"),
                *_health("dedup"),
                (topology.CANARY, topology.CANARY_DETECTED),
            ],
            consumes=(topology.DEDUP_RAW,),
        ),
        "executor": Needs(
            publishes=[*_TRADES, *_health("executor", "exits")],
            consumes=(topology.EXECUTOR_LISTINGS, topology.EXECUTOR_OPENINGS),
        ),
        "persister": Needs(
            publishes=_health("persister"),
            consumes=(topology.PERSISTER_LISTINGS, topology.PERSISTER_TRADES, topology.PERSISTER_HEALTH),
        ),
        "api": Needs(
            publishes=[(topology.RAW, f"raw.{Source.TEST_INJECTION}"), *_health("api")],
        ),
        "notifier": Needs(publishes=_health("notifier"), consumes=(topology.NOTIFIER_EVENTS,)),
    }
)


def needs_of(names: Sequence[str]) -> Needs:
    """Return what the services of these names need together."""
    chosen = [NEEDS[name] for name in names]
    return Needs(
        publishes=[address for each in chosen for address in each.publishes],
        consumes=[queue for each in chosen for queue in each.consumes],
    )


def topology_of(names: Sequence[str]) -> Topology:
    """Return the topology that these services run on."""
    return topology.NOTIFYING if "notifier" in names else topology.SNIPER
