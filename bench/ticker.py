"""What a frame of all coins costs ingest, beside parsing its bytes and nothing more."""

import time
from collections.abc import Callable
from itertools import islice

from bench.errors import BenchmarkError
from bench.figures import Result, latency
from bench.market import Market
from bench.sampling import Plan
from ingest.catalogue import Catalogue, Known, State
from ingest.evidence import Names
from ingest.ticker_frame import Prices, items_in, names_in
from ingest.websocket import CHANNEL, SLICE_SYMBOLS
from shared.events import Source, utc_now
from shared.mexc.wire_pb2 import PushDataV3ApiWrapper


def measure(symbols: int, plan: Plan) -> Result:
    """Return the times for a frame of this many coins, every one of them known."""
    frame = Market(symbols).frame(changed=symbols)
    catalogue = _catalogue(names_in(items_in(frame, CHANNEL)))

    def bare() -> None:
        PushDataV3ApiWrapper.FromString(frame)

    def ours() -> None:
        items, observed_at = items_in(frame, CHANNEL), utc_now()
        unread = iter(items)
        for first in range(0, len(items), SLICE_SYMBOLS):
            names = names_in(islice(unread, SLICE_SYMBOLS))
            prices = Prices(items, range(first, min(first + SLICE_SYMBOLS, len(items))))
            evidence = Names(Source.MEXC_WEBSOCKET, observed_at, names, complete=False, price_of=prices)
            if catalogue.observe(evidence).sightings:
                raise BenchmarkError("a coin that is known was taken for new")

    taken: dict[Callable[[], None], list[float]] = {bare: [], ours: []}
    for _ in range(plan.warmups + plan.samples):
        for work, samples in taken.items():
            samples.append(_timed_ms(work))
    bare_ms, ours_ms = (samples[plan.warmups :] for samples in taken.values())
    return Result(
        ours=latency(ours_ms),
        floor=latency(bare_ms),
        what=f"a frame of {symbols} coins decoded and compared",
        extra={"frame_bytes": len(frame)},
    )


def _timed_ms(work: Callable[[], None]) -> float:
    started = time.perf_counter_ns()
    work()
    return (time.perf_counter_ns() - started) / 1e6


def _catalogue(names: set[str]) -> Catalogue:
    now = utc_now()
    return Catalogue(Known(name, State.TRADABLE, name, "USDT", now) for name in names)
