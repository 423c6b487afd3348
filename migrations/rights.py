"""Rights in the database: a role for each service, and two groups. Data alone; `migrations.roles` makes the SQL."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeAlias

from shared.control.controls import SEEDED


@dataclass(frozen=True, slots=True)
class Right:
    """Right on a table, or on some of its columns."""

    word: str
    columns: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.word} ({', '.join(self.columns)})" if self.columns else self.word


Rights: TypeAlias = Mapping[str, tuple[Right, ...]]
"""Rights by table."""


def change(*columns: str) -> Right:
    """Return the right to change these columns."""
    return Right("UPDATE", columns)


READ: Final = Right("SELECT")
ADD: Final = Right("INSERT")
CHANGE: Final = Right("UPDATE")
REMOVE: Final = Right("DELETE")

SCHEMA_READ: Final = "alembic_version"
"""Every role reads this, since every process waits for the schema of its build."""

_INGEST: Final[Rights] = {
    "exchange": (READ, ADD),
    "leases": (READ, ADD, CHANGE),
    "monitor_switches": (READ,),
    "rate_usage": (READ, ADD, CHANGE),
    "symbols": (READ, ADD, CHANGE),
    "unplaced_symbols": (READ, ADD),
}
_DEDUP: Final[Rights] = {
    "listing_claims": (READ, ADD, CHANGE),
    "listing_observations": (READ, ADD),
    "unannounced_listings": (READ, change("due_at")),
}
_EXECUTOR: Final[Rights] = {
    "close_requests": (READ,),
    "exchange": (READ, ADD),
    "exposure": (READ, CHANGE),
    "halts": (READ, ADD),
    "listing_claims": (READ,),
    "order_attempts": (READ, ADD, CHANGE),
    "orders": (READ, ADD, CHANGE),
    "other_fees": (READ, ADD, CHANGE),
    "position_exits": (READ,),
    "positions": (READ, ADD, CHANGE),
    "rate_usage": (READ, ADD, CHANGE),
    "settle_requests": (READ,),
    # It locks the row to decide, ends auto_trade when that expires, and copies the exits from the environment once: no
    # limits, and no halts.
    "trade_config": (
        READ,
        change("auto_trade", "auto_trade_until", "exits_seeded_at", "updated_at", *sorted(SEEDED)),
    ),
    "trade_config_audit": (ADD,),
    "trade_outbox": (READ, ADD, CHANGE, REMOVE),
    "unannounced_listings": (READ, REMOVE),
    "write_offs": (READ,),
}
_EXPRESS: Final[Rights] = {
    **_INGEST,
    **_EXECUTOR,
    "listing_claims": (READ, ADD),
    "unannounced_listings": (READ, ADD, REMOVE),
}
_PERSISTER: Final[Rights] = {
    "bot_health": (READ, ADD, CHANGE),
    "listings": (ADD,),
    "trades": (READ, ADD, CHANGE),
}
_API: Final[Rights] = {
    "api_tokens": (READ, ADD, CHANGE),
    "bot_health": (READ,),
    "close_requests": (READ, ADD),
    "exposure": (READ,),
    "halts": (READ,),
    "latency_hours": (READ,),
    "listing_claims": (READ,),
    "listing_hours": (READ,),
    "listing_observations": (READ,),
    "listings": (READ,),
    "monitor_switches": (READ, ADD),
    "operator_actions": (READ, ADD),
    "orders": (READ,),
    "position_exits": (READ, ADD),
    "position_results": (READ,),
    "positions": (READ,),
    "sessions": (READ, ADD, CHANGE),
    "settle_requests": (ADD,),
    "sighting_hours": (READ,),
    "sign_in_links": (READ, ADD, CHANGE),
    "stream_events": (READ, change("position"), REMOVE),
    "stream_head": (READ, change("position")),
    "symbols": (READ,),
    "trade_config": (READ, CHANGE),
    "trade_config_audit": (READ, ADD),
    "trade_hours": (READ,),
    "trades": (READ,),
    "unplaced_symbols": (READ, change("acknowledged_at", "acknowledged_by")),
    "write_offs": (ADD,),
}
_NOTIFIER: Final[Rights] = {
    "halts": (READ,),
    "trade_config": (READ,),
}
_TELEGRAM: Final[Rights] = {
    "bot_health": (READ,),
    "close_requests": (READ, ADD),
    "exposure": (READ,),
    "halts": (READ,),
    "listings": (READ,),
    "operator_actions": (ADD,),
    "position_exits": (READ,),
    "position_results": (READ,),
    "positions": (READ,),
    # It may halt, and neither arm nor change a limit.
    "trade_config": (READ, change("halted", "halted_at", "halted_reason", "updated_at")),
    "trade_config_audit": (ADD,),
}
_ARCHIVE: Final[Rights] = {
    "listings": (READ, ADD, REMOVE),
    # To keep what is held or open.
    "orders": (READ,),
    "positions": (READ,),
    "trades": (READ, ADD, REMOVE),
}

RIGHTS: Final[Mapping[str, Rights]] = MappingProxyType(
    {
        "ingest": _INGEST,
        "dedup": _DEDUP,
        "executor": _EXECUTOR,
        "express": _EXPRESS,
        "persister": _PERSISTER,
        "api": _API,
        "notifier": _NOTIFIER,
        "telegram": _TELEGRAM,
        "archive": _ARCHIVE,
    }
)
"""By the role's name without its prefix: services, the group of Telegram commands, and that of the archive."""

SEQUENCES: Final[Mapping[str, Rights]] = MappingProxyType(
    {"archive": {"listings_id_seq": (READ, CHANGE), "trades_id_seq": (READ, CHANGE)}}
)
"""Rights on sequences by role: restored rows keep their ids, and later ones must continue above them."""

GROUPS: Final = frozenset({"telegram", "archive"})
"""Roles without a login: they are granted to others."""
