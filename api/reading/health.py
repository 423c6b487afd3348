"""Health of the whole, judged from the last report of each component."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Final

import structlog
from pydantic import JsonValue

from api.reading.answers import Feed, Health, LatestListing, Overall, Troubles
from api.reading.reader import Reader, Row
from api.schemas import ComponentHealth, age_seconds
from shared.events import HealthStatus, utc_now
from shared.isolation import in_a_line, readable
from shared.process.health import SILENCE_MAX, effective_status, last_reported

log = structlog.get_logger(__name__)

COMPONENTS: Final = """
    SELECT component_name, status, last_event_at, updated_at, detail, facts FROM bot_health ORDER BY component_name
"""
LATEST_LISTING: Final = "SELECT symbol, source, created_at FROM listings ORDER BY created_at DESC, id DESC LIMIT 1"
VERSION: Final = version("mexc-listing-sniper")


async def read(reader: Reader) -> Health:
    """Return the health of everything now; raises TransientError."""
    rows, latest, now = await reader.fetch(COMPONENTS), await reader.fetchrow(LATEST_LISTING), utc_now()
    return report(rows, latest, now=now)


def report(rows: Iterable[Row], latest_listing: Row | None = None, *, now: datetime) -> Health:
    """Judge rows of bot_health at *now*."""
    components = [component_of(row, now) for row in rows]
    return Health(
        status=overall([component.status for component in components]),
        version=VERSION,
        now=now,
        components=components,
        feeds=_feeds(components),
        latest_listing=None if latest_listing is None else _latest(latest_listing, now),
        troubles=_troubles(components),
    )


def overall(statuses: Sequence[HealthStatus]) -> Overall:
    """Return one status for all: the worst there is; what was stopped degrades the rest, and is an error alone."""
    if HealthStatus.ERROR in statuses:
        return "error"
    if statuses and all(status is HealthStatus.STOPPED for status in statuses):
        return "error"
    if statuses and all(status is HealthStatus.RUNNING for status in statuses):
        return "ok"
    return "degraded"


def component_of(row: Row, now: datetime) -> ComponentHealth:
    """Return one row as it is to be believed at *now*: a component that went silent is in error."""
    said = HealthStatus(row["status"])
    status = effective_status(said, row["updated_at"], now=now)
    age = age_seconds(row["updated_at"], now=now)
    is_silent = status is HealthStatus.ERROR and age > SILENCE_MAX.total_seconds()
    silent = f"silent for {age:.0f} s, last said {last_reported(said, row['detail'])}"
    return ComponentHealth(
        component_name=row["component_name"],
        status=status,
        last_event_at=row["last_event_at"],
        updated_at=row["updated_at"],
        age_seconds=age,
        detail=silent if is_silent else row["detail"],
        facts=row["facts"],
    )


def fact(components: Iterable[ComponentHealth], component: str, name: str) -> JsonValue:
    """Return the fact of that name that *component* told last; None where it told none."""
    told = (each.facts.get(name) for each in components if each.component_name == component)
    return next(told, None)


def exchange_now(components: Sequence[ComponentHealth], now: datetime) -> datetime | None:
    """Return *now* by the exchange's clock, as ingest or the executor knows it; None while neither does."""
    for component in ("ingest", "executor"):
        ahead_ms = fact(components, component, "exchange_ahead_ms")
        if isinstance(ahead_ms, int | float):
            return now + timedelta(milliseconds=ahead_ms)
    return None


def _feeds(components: Sequence[ComponentHealth]) -> list[Feed]:
    """Return the feeds of ingest, older by what has passed since it told of them."""
    passed = next((each.age_seconds for each in components if each.component_name == "ingest"), 0.0)
    told = fact(components, "ingest", "feeds")
    feeds = readable(told, Feed.model_validate, failed=_left_out) if isinstance(told, list) else ()
    return [feed.model_copy(update={"age_seconds": round(feed.age_seconds + passed, 1)}) for feed in feeds]


def _latest(row: Row, now: datetime) -> LatestListing:
    age = age_seconds(row["created_at"], now=now)
    return LatestListing(symbol=row["symbol"], source=row["source"], created_at=row["created_at"], age_seconds=age)


def _troubles(components: Sequence[ComponentHealth]) -> list[Troubles]:
    """Return what each process logged: all components of one process tell the same."""
    by_process: dict[str, Troubles] = {}
    telling = [each for each in components if isinstance(each.facts.get("troubles"), dict)]
    for one in readable(telling, _troubles_of, failed=_left_out):
        known = by_process.get(one.process)
        names = [*(known.components if known else []), *one.components]
        by_process[one.process] = one.model_copy(update={"components": names})
    return list(by_process.values())


def _troubles_of(component: ComponentHealth) -> Troubles:
    told = component.facts["troubles"]
    assert isinstance(told, dict)
    return Troubles.model_validate({**told, "components": [component.component_name]})


def _left_out(_: object, error: Exception) -> None:
    """A component of another version may tell a fact in other words, which says nothing about the others."""
    log.info("a fact of a component's health cannot be read", reason=in_a_line(error))
