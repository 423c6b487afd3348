"""Anomalies for health and metrics: rejected events, absences in doubt, and the time without a new listing."""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Counter, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ingest.catalogue import Catalogue, ObservationResult, SymbolRecord, SymbolState
from ingest.source import Announcement, FirstTrade, Snapshot, SourceEvent, SymbolNames
from shared.events import utc_now

log = structlog.get_logger(__name__)

FEEDS: Final = ("exchangeInfo", "defaultSymbols", "websocket", "trades", "calendar")
DOUBT_SECONDS: Final = 30.0
"""Time during which a rejected event shows in health."""
NAMED_MAX: Final = 20
WITHHELD: Final = "exchangeInfo lacks too many symbols to take them for delisted"


class RejectedFeeds:
    """Feeds whose latest events were rejected."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._rejections: dict[str, tuple[float, str]] = {}

    def note(self, feed: str, reason: str) -> bool:
        """Record a rejection of an event of *feed*; return whether it is the first of a series."""
        is_news = not self._is_recent(feed)
        # The first reason stays during a series, so that health does not change with every number in it.
        self._rejections[feed] = (self._now(), reason if is_news else self._rejections[feed][1])
        return is_news

    def __call__(self) -> str:
        rejected = [
            f"{feed} not believed ({self._rejections[feed][1]})" for feed in self._rejections if self._is_recent(feed)
        ]
        return "; ".join(sorted(rejected))

    def _is_recent(self, feed: str) -> bool:
        return feed in self._rejections and self._now() - self._rejections[feed][0] <= DOUBT_SECONDS


class ListingDrought:
    """Time without a new listing."""

    def __init__(self, drought_after: timedelta, latest_at: datetime, now: Callable[[], datetime] = utc_now) -> None:
        self._drought_after = drought_after
        self._latest_at = latest_at
        self._now = now

    def listed(self, at: datetime) -> None:
        self._latest_at = max(self._latest_at, at)

    def age_seconds(self) -> float:
        return (self._now() - self._latest_at).total_seconds()

    def __call__(self) -> str:
        if self.age_seconds() <= self._drought_after.total_seconds():
            return ""
        return f"no new listing since {self._latest_at:%Y-%m-%d %H:%M} UTC"


class AnomalyMonitor:
    def __init__(
        self,
        catalogue: Catalogue,
        drought: ListingDrought,
        registry: CollectorRegistry,
        *,
        suspended: Callable[[], str] = lambda: "",
    ) -> None:
        """While *suspended* names a reason, no time since the last listing is exported."""
        self._rejections = RejectedFeeds()
        self._drought = drought
        self._quarantined = Counter(
            "sniper_ingest_quarantined_reads",
            "Answers and frames not believed for what they lack or for what is new in them",
            ["feed"],
            registry=registry,
        )
        # From the start, or Prometheus would not see the first as an increase.
        for feed in FEEDS:
            self._quarantined.labels(feed)
        self._sightings = Counter(
            "sniper_ingest_sightings", "New symbols, once for each source that saw them", ["source"], registry=registry
        )
        self._rescheduled = Counter(
            "sniper_ingest_rescheduled", "Opening times that moved, as published", registry=registry
        )
        registry.register(_Collector(catalogue, drought, suspended))
        self._catalogue = catalogue
        self._is_first_start = not catalogue.has_baseline
        self._are_absences_withheld = False

    def warnings(self) -> str:
        """Return the current warnings; empty without any."""
        absences = WITHHELD if self._are_absences_withheld else ""
        return "; ".join(filter(None, (self._rejections(), absences, self._drought())))

    def note(self, event: SourceEvent, result: ObservationResult) -> None:
        """Record the *result* of *event*. Once the first start has a baseline, log what of it is still to open."""
        self._rescheduled.inc(len(result.rescheduled))
        for sighting in result.sightings:
            self._sightings.labels(sighting.source).inc()
        if result.sightings:
            self._drought.listed(event.observed_at)
        if self._is_first_start and self._catalogue.has_baseline:
            self._is_first_start = False
            if symbols := [each.symbol for each in self._catalogue.upcoming(event.observed_at)]:
                named = ", ".join(symbols[:NAMED_MAX])
                log.warning("listed before the first start, so not bought when they open", symbols=named)
        withheld = self._catalogue.vanished.withheld_count
        if withheld and not self._are_absences_withheld:
            log.warning(WITHHELD, count=withheld)
        self._are_absences_withheld = withheld > 0
        if not result.accepted:
            feed = feed_of(event)
            self._quarantined.labels(feed).inc()
            if self._rejections.note(feed, result.reason):
                log.warning("not believed", feed=feed, reason=result.reason)


def latest_listing(records: Iterable[SymbolRecord], *, otherwise: datetime) -> datetime:
    """Return when the newest of *records* was first seen."""
    return max((each.first_seen_at for each in records if each.is_shown), default=otherwise)


def feed_of(event: SourceEvent) -> str:
    """Return the feed of *event*."""
    match event:
        case Snapshot():
            return "exchangeInfo"
        case SymbolNames(complete=True):
            return "defaultSymbols"
        case SymbolNames():
            return "websocket"
        case FirstTrade():
            return "trades"
        case Announcement():
            return "calendar"


class _Collector(Collector):
    def __init__(self, catalogue: Catalogue, drought: ListingDrought, suspended: Callable[[], str]) -> None:
        self._catalogue = catalogue
        self._drought = drought
        self._suspended = suspended

    def collect(self) -> Iterator[Metric]:
        symbols = GaugeMetricFamily("sniper_ingest_symbols", "Symbols known", labels=["state"])
        counts = self._catalogue.counts
        for state in SymbolState:
            symbols.add_metric([state], counts.get(state, 0))
        yield symbols
        yield GaugeMetricFamily(
            "sniper_ingest_last_listing_age_seconds",
            "Time since the last new listing; NaN while this process is paused or stands by",
            value=math.nan if self._suspended() else self._drought.age_seconds(),
        )
