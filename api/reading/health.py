"""Overall health, judged from the last report of each component."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Final

import structlog
from pydantic import JsonValue

from api.reading.reader import Reader, Row
from api.schemas import ComponentHealth, Feed, Health, LatestListing, Overall, Troubles, age_seconds
from shared.errors import in_a_line, readable
from shared.events import HealthStatus, utc_now
from shared.process.heartbeat import (
    AHEAD_MAX,
    HEARTBEAT_SECONDS,
    effective_status,
    is_silent_since,
    last_reported,
)

log = structlog.get_logger(__name__)

COMPONENTS: Final = """
    SELECT component_name, status, last_event_at, updated_at, detail, facts, process_ended
    FROM bot_health ORDER BY component_name
"""
EXITS: Final = "exits"
NO_SELLER: Final = "no executor runs: nothing is sold until one does"
SELLER_UNKNOWN: Final = "it is not known whether an executor runs, and without one nothing is sold"
LATEST_LISTING: Final = "SELECT symbol, source, created_at FROM listings ORDER BY created_at DESC, id DESC LIMIT 1"
VERSION: Final = version("mexc-listing-sniper")
GAP_MIN: Final = timedelta(seconds=HEARTBEAT_SECONDS + 1)
"""Short enough that, once the persister is gone, the gap is known before the first component counts as silent."""


async def read(reader: Reader) -> Health:
    """Return the current health; raises TransientError."""
    rows, latest, now = await reader.fetch(COMPONENTS), await reader.fetchrow(LATEST_LISTING), utc_now()
    return report(rows, latest, now=now)


def report(rows: Iterable[Row], latest_listing: Row | None = None, *, now: datetime) -> Health:
    """Judge rows of bot_health at *now*."""
    components = [component_of(row, now) for row in rows]
    age = 0.0 if latest_listing is None else age_seconds(latest_listing["created_at"], now=now)
    return Health(
        status=overall([component.status for component in components]),
        version=VERSION,
        now=now,
        components=components,
        feeds=_feeds(components),
        latest_listing=None if latest_listing is None else LatestListing(age_seconds=age, **latest_listing),
        troubles=_troubles(components),
        gap=gap((component.updated_at for component in components), now=now),
    )


def overall(statuses: Sequence[HealthStatus]) -> Overall:
    """Return the worst status; a stopped component degrades the whole, and all stopped are an error."""
    if HealthStatus.ERROR in statuses:
        return "error"
    if statuses and all(status is HealthStatus.STOPPED for status in statuses):
        return "error"
    if statuses and all(status is HealthStatus.RUNNING for status in statuses):
        return "ok"
    return "degraded"


def component_of(row: Row, now: datetime) -> ComponentHealth:
    """Judge one row at *now*: a silent component is in error."""
    reported = HealthStatus(row["status"])
    status = effective_status(reported, row["updated_at"], now=now)
    age = age_seconds(row["updated_at"], now=now)
    is_silent = status is HealthStatus.ERROR and is_silent_since(row["updated_at"], now=now)
    for_long = f"for {age:.0f} s" if age else "since a clock was set back"
    silent = f"silent {for_long}, last said {last_reported(reported, row['detail'])}"
    return ComponentHealth(
        component_name=row["component_name"],
        status=status,
        last_event_at=row["last_event_at"],
        updated_at=row["updated_at"],
        age_seconds=age,
        detail=silent if is_silent else row["detail"],
        facts=row["facts"],
    )


def gap(stored_at: Iterable[datetime], *, now: datetime) -> str:
    """Return since when no report of any component is stored, in words; empty while reports are.

    Every report goes through the broker and the persister, and an executor runs, and sells, without either: where
    none is stored, the silence of one says nothing.
    """
    latest = max(stored_at, default=None)
    if latest is None:
        return "no health was ever stored"
    if latest - now > AHEAD_MAX:
        return "no health is stored since a clock was set back"
    return f"no health is stored since {latest:%Y-%m-%d %H:%M:%S} UTC" if now - latest > GAP_MIN else ""


def seller_missing(rows: Sequence[Row]) -> str:
    """Return that no executor runs which would sell, or that this is not known; empty if one was heard lately."""
    now = utc_now()
    for row in rows:
        has_ended = row["process_ended"] or row["status"] == HealthStatus.STOPPED
        if row["component_name"] == EXITS and not has_ended and not is_silent_since(row["updated_at"], now=now):
            return ""
    since = gap((row["updated_at"] for row in rows), now=now)
    return f"{since}: {SELLER_UNKNOWN}" if since else NO_SELLER


def fact(components: Iterable[ComponentHealth], component: str, name: str) -> JsonValue:
    """Return the latest fact of that name from *component*; None if there is none."""
    values = (each.facts.get(name) for each in components if each.component_name == component)
    return next(values, None)


def exchange_now(components: Sequence[ComponentHealth], now: datetime) -> datetime | None:
    """Return *now* by the exchange's clock, as estimated by ingest or the executor; None while unknown."""
    for component in ("ingest", "executor"):
        ahead_ms = fact(components, component, "exchange_ahead_ms")
        if isinstance(ahead_ms, int | float):
            return now + timedelta(milliseconds=ahead_ms)
    return None


def _feeds(components: Sequence[ComponentHealth]) -> list[Feed]:
    """Return the feeds of ingest, aged by the time since its report."""
    passed = next((each.age_seconds for each in components if each.component_name == "ingest"), 0.0)
    reported_fact = fact(components, "ingest", "feeds")
    feeds = readable(reported_fact, Feed.model_validate, failed=_left_out) if isinstance(reported_fact, list) else ()
    return [feed.model_copy(update={"age_seconds": round(feed.age_seconds + passed, 1)}) for feed in feeds]


def _troubles(components: Sequence[ComponentHealth]) -> list[Troubles]:
    """Return the logged troubles of each process: all components of one process report the same."""
    by_process: dict[str, Troubles] = {}
    telling = [each for each in components if isinstance(each.facts.get("troubles"), dict)]
    for one in readable(telling, _troubles_of, failed=_left_out):
        known = by_process.get(one.process)
        names = [*(known.components if known else []), *one.components]
        by_process[one.process] = one.model_copy(update={"components": names})
    return list(by_process.values())


def _troubles_of(component: ComponentHealth) -> Troubles:
    reported_fact = component.facts["troubles"]
    assert isinstance(reported_fact, dict)
    return Troubles.model_validate({**reported_fact, "components": [component.component_name]})


def _left_out(_: object, error: Exception) -> None:
    """Log an unreadable fact, as from a component of another version; the others are kept."""
    log.info("a fact of a component's health cannot be read", reason=in_a_line(error))
