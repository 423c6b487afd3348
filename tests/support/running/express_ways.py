"""The express way to one executor's parts, as a process has it, and sightings for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from prometheus_client import CollectorRegistry

from cli.composing.express.metrics import ExpressMetrics, Outcome
from cli.composing.express.rehearsal import Rehearsal
from cli.composing.express.way import ExpressWay
from shared.events import RawListing
from tests.support.data.builders import a_raw_listing
from tests.support.running.executors import RULES, Executor, Time
from tests.waiting import eventually


@dataclass
class Express:
    """One process: its executor, and the way to it."""

    executor: Executor
    way: ExpressWay
    registry: CollectorRegistry

    async def take(self, raw: RawListing) -> None:
        """Let *raw* go the express way to its end."""
        before = self.taken()
        self.way.take(raw)
        await eventually(lambda: self.taken() == before + 1)

    def taken(self) -> float:
        return sum(self.count(outcome) for outcome in Outcome)

    def count(self, outcome: Outcome, reason: str = "") -> float:
        """Return how many sightings ended so; of refusals with any reason where none is given."""
        samples = (each for metric in self.registry.collect() for each in metric.samples)
        return sum(
            each.value
            for each in samples
            if each.name == "sniper_express_sightings_total"
            and each.labels["outcome"] == outcome
            and reason in {"", each.labels["reason"]}
        )


@asynccontextmanager
async def lent(executor: Executor, now: Time, *, rehearsal: Rehearsal | None = None) -> AsyncIterator[Express]:
    """Run the express way to *executor*, which has read its limits; it is rehearsed where *rehearsal* is given."""
    registry = CollectorRegistry()
    way = ExpressWay(ExpressMetrics(registry), rehearsal=rehearsal, now=now)
    async with asyncio.TaskGroup() as tasks:
        with way.lend(executor.handle, tasks):
            await eventually(lambda: executor.decisions.last)
            yield Express(executor, way, registry)


def sighted(name: str, time: Time, **overrides: Any) -> RawListing:
    """Return the sighting of a coin that was just seen, with its price and rules."""
    moment: datetime = time()
    seen = dict.fromkeys(("listed_at", "observed_at", "published_at"), moment)
    described = {"symbol": f"{name}USDT", "base_asset": name, "price": "2", "rules": RULES}
    return a_raw_listing(**seen | described | overrides)
