"""Whether what we are shown can be trusted and whether anything new comes of it, for health and metrics."""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Counter, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ingest.catalogue import Catalogue, Findings, Known, State
from ingest.source_events import Announcement, Evidence, FirstTrade, Names, Snapshot
from shared.events import utc_now

log = structlog.get_logger(__name__)

FEEDS: Final = ("exchangeInfo", "defaultSymbols", "websocket", "trades", "calendar")
DOUBT_SECONDS: Final = 30.0
"""For so long after an answer that was not believed, the doubt is told of."""


class Doubts:
    """Which of the feeds showed something that was not believed, lately."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._doubts: dict[str, tuple[float, str]] = {}

    def note(self, feed: str, reason: str) -> bool:
        """Remember that what *feed* showed was not believed; return whether that is news."""
        is_news = not self._is_recent(feed)
        # Its first words stay while it lasts, so that health does not change with every number in them.
        self._doubts[feed] = (self._now(), reason if is_news else self._doubts[feed][1])
        return is_news

    def __call__(self) -> str:
        doubted = [f"{feed} not believed ({self._doubts[feed][1]})" for feed in self._doubts if self._is_recent(feed)]
        return "; ".join(sorted(doubted))

    def _is_recent(self, feed: str) -> bool:
        return feed in self._doubts and self._now() - self._doubts[feed][0] <= DOUBT_SECONDS


class Quiet:
    """For how long nothing new was listed."""

    def __init__(self, quiet_after: timedelta, latest_at: datetime, now: Callable[[], datetime] = utc_now) -> None:
        self._quiet_after = quiet_after
        self._latest_at = latest_at
        self._now = now

    def saw(self, at: datetime) -> None:
        self._latest_at = max(self._latest_at, at)

    def age_seconds(self) -> float:
        return (self._now() - self._latest_at).total_seconds()

    def __call__(self) -> str:
        if self.age_seconds() <= self._quiet_after.total_seconds():
            return ""
        return f"no new listing since {self._latest_at:%Y-%m-%d %H:%M} UTC"


class Outlook:
    def __init__(
        self,
        catalogue: Catalogue,
        quiet: Quiet,
        registry: CollectorRegistry,
        *,
        rests: Callable[[], str] = lambda: "",
    ) -> None:
        """While *rests* says why nothing is watched, no time since the last listing is exported."""
        self._doubts = Doubts()
        self._quiet = quiet
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
        registry.register(_Collector(catalogue, quiet, rests))

    def concerns(self) -> str:
        """Say what is worrying; empty when nothing is."""
        return "; ".join(filter(None, (self._doubts(), self._quiet())))

    def note(self, evidence: Evidence, findings: Findings) -> None:
        """Take note of what *evidence* led to."""
        self._rescheduled.inc(len(findings.rescheduled))
        for sighting in findings.sightings:
            self._sightings.labels(sighting.source).inc()
        if findings.sightings:
            self._quiet.saw(evidence.observed_at)
        if not findings.believed:
            feed = feed_of(evidence)
            self._quarantined.labels(feed).inc()
            if self._doubts.note(feed, findings.reason):
                log.warning("not believed", feed=feed, reason=findings.reason)


def latest_listing(known: Iterable[Known], *, otherwise: datetime) -> datetime:
    """Return when the newest of *known* was first seen."""
    return max((each.first_seen_at for each in known if each.is_shown), default=otherwise)


def feed_of(evidence: Evidence) -> str:
    """Name the feed that *evidence* came by."""
    match evidence:
        case Snapshot():
            return "exchangeInfo"
        case Names(complete=True):
            return "defaultSymbols"
        case Names():
            return "websocket"
        case FirstTrade():
            return "trades"
        case Announcement():
            return "calendar"


class _Collector(Collector):
    def __init__(self, catalogue: Catalogue, quiet: Quiet, rests: Callable[[], str]) -> None:
        self._catalogue = catalogue
        self._quiet = quiet
        self._rests = rests

    def collect(self) -> Iterator[Metric]:
        symbols = GaugeMetricFamily("sniper_ingest_symbols", "Symbols known", labels=["state"])
        counts = self._catalogue.counts
        for state in State:
            symbols.add_metric([state], counts.get(state, 0))
        yield symbols
        yield GaugeMetricFamily(
            "sniper_ingest_last_listing_age_seconds",
            "Time since the last new listing; NaN while this process is paused or stands by",
            value=math.nan if self._rests() else self._quiet.age_seconds(),
        )
