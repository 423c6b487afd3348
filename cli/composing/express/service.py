"""Ingest and executor in one process, with the express way between them. Wiring only."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from cli.composing.express.claim import CLAIM_AND_RESERVE
from cli.composing.express.core import spin, stay_on
from cli.composing.express.metrics import ExpressMetrics
from cli.composing.express.rehearsal import Rehearsal
from cli.composing.express.settings import ExpressSettings
from cli.composing.express.way import ExpressWay
from executor.journal.rehearsal import STATEMENTS
from executor.service import serve as serve_executor
from executor.settings import ExecutorSettings, ExitSeeds
from executor.venues.exchange_connections import OpenExchange, open_exchange
from ingest.service import serve as serve_ingest
from ingest.settings import IngestSettings
from shared.process.runtime import Runtime
from shared.settings import ExchangeSettings


@dataclass(frozen=True, slots=True)
class ExpressTerms:
    """Settings of both services, and of the way between them."""

    ingest: IngestSettings
    executor: ExecutorSettings
    seeds: ExitSeeds
    data_dir: Path
    way: ExpressSettings


async def serve(
    runtime: Runtime, terms: ExpressTerms, venue: ExchangeSettings, *, open_exchange: OpenExchange = open_exchange
) -> None:
    """Watch *venue* and trade what it lists, until the runtime's stop event is set.

    Every such process watches, with ingest's lease or without: the first of several to commit a listing buys it.
    """
    stay_on(terms.way.express_core)
    way = ExpressWay(ExpressMetrics(runtime.telemetry.registry), rehearsal=rehearsal_of(terms))
    runtime.telemetry.ready_when("express way", way.is_open)
    trading = serve_executor(
        runtime,
        terms.executor,
        venue,
        terms.data_dir,
        seeds=terms.seeds,
        open_exchange=open_exchange,
        lend=way.lend,
        rehearsed=(*STATEMENTS, CLAIM_AND_RESERVE),
    )
    watching = serve_ingest(runtime, terms.ingest, venue, ahead=way.take, alone=False)
    async with asyncio.TaskGroup() as running:
        running.create_task(trading, name="executor")
        running.create_task(watching, name="ingest")
        if terms.way.express_spin:
            running.create_task(spin(runtime.stop), name="spin")


def rehearsal_of(terms: ExpressTerms) -> Rehearsal | None:
    """Return how the way is rehearsed; None where nothing is bought, and positions are watched alone."""
    quote_asset = min(terms.executor.quote_assets, default=None)
    return None if quote_asset is None else Rehearsal(terms.way.rehearsed_every_seconds, quote_asset)
