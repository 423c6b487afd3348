"""Cost of a frame of all coins to ingest, beside merely parsing its bytes."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

from prometheus_client import CollectorRegistry

from bench.exchange.market import Market
from bench.figures import BenchmarkError, Result, latency
from bench.sampling import Plan
from ingest.catalogue import Catalogue, SymbolRecord, SymbolState
from ingest.detector import Detector
from ingest.health.anomalies import AnomalyMonitor, ListingDrought
from ingest.health.feed_health import Feed, FeedHealth
from ingest.metrics import Metrics
from ingest.output.publisher import Publisher
from ingest.output.symbol_recorder import SymbolRecorder
from ingest.source import Report
from ingest.streams.source_metrics import SourceMetrics
from ingest.streams.ticker_stream import TickerStream, items_in, names_in
from shared.events import utc_now
from shared.mexc.streams.connection import StreamOptions
from shared.mexc.wire_pb2 import PushDataV3ApiWrapper
from shared.process.heartbeat import Component
from tests.support.fakes.fakes import RecordingBus


def measure(symbols: int, plan: Plan) -> Result:
    """Return the times for a frame of this many known coins through the stream and the detector."""
    frame = Market(symbols).frame(changed=symbols)
    stream = TickerStream(StreamOptions(""), Feed("websocket", 1), SourceMetrics(CollectorRegistry()))
    report = _report(names_in(items_in(frame)))
    turns_ms: list[list[float]] = []

    def bare() -> None:
        PushDataV3ApiWrapper.FromString(frame)

    def ours() -> None:
        turns_ms.append(turns_of(stream.take(report, frame)))

    taken: dict[Callable[[], None], list[float]] = {bare: [], ours: []}
    for _ in range(plan.warmups + plan.samples):
        for work, samples in taken.items():
            started = time.perf_counter_ns()
            work()
            samples.append((time.perf_counter_ns() - started) / 1e6)
    bare_ms, ours_ms = (samples[plan.warmups :] for samples in taken.values())
    held_ms = [max(turns) for turns in turns_ms[plan.warmups :]]
    return Result(
        ours=latency(ours_ms),
        floor=latency(bare_ms),
        what=f"a frame of {symbols} coins decoded and compared",
        extra={
            "frame_bytes": len(frame),
            "cpu": latency([sum(turns) for turns in turns_ms[plan.warmups :]]).as_json(),
            "loop_held_ms": latency(held_ms).as_json() | {"max_ms": round(max(held_ms), 4)},
        },
    )


def turns_of(work: Coroutine[Any, Any, object]) -> list[float]:
    """Run *work*, which may only yield to the loop; return how long it held its thread each time.

    In milliseconds of processor time, so that other processes do not count.
    """
    turns: list[float] = []
    while True:
        started = time.thread_time_ns()
        try:
            waits_for = work.send(None)
        except StopIteration:
            turns.append((time.thread_time_ns() - started) / 1e6)
            return turns
        turns.append((time.thread_time_ns() - started) / 1e6)
        if waits_for is not None:
            work.close()
            raise BenchmarkError("what was to run through waits for something")


def _report(names: set[str]) -> Report:
    """Return a detector's report function with known *names*. It cannot publish: its tasks are not started."""
    now, registry = utc_now(), CollectorRegistry()
    catalogue = Catalogue(
        SymbolRecord(name, SymbolState.TRADABLE, name, "USDT", now, trading_since=now) for name in names
    )
    publisher = Publisher(RecordingBus(), asyncio.TaskGroup(), Metrics(registry, FeedHealth()), pending_max=1)
    anomalies = AnomalyMonitor(catalogue, ListingDrought(timedelta(hours=1), now), registry)
    return Detector(catalogue, publisher, SymbolRecorder(_store_nothing), Component("ingest"), anomalies).report


async def _store_nothing(_: object) -> None:
    """Store nothing: records of known symbols are not measured."""
