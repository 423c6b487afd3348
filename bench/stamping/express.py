"""The express way as run by `sniper run express`, reporting the moments of each sighting that it takes."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

from bench.floor.messaging import print_ready
from bench.stamping.moments import before, report_soon
from bench.stamping.sales import stamp_sales
from cli import process
from cli.composing import services
from cli.composing.express.way import ExpressWay
from executor.journal.decision_writer import DecisionWriter
from executor.sending.order_sender import OrderDispatch, OrderSender
from ingest.streams.ticker_stream import TickerStream
from shared.process import lifecycle

RECEIVED: Final = "received"


class Moments:
    """Moments of sightings, of which the benchmark shows one at a time."""

    def __init__(self) -> None:
        self._frame_ns = 0
        self._of: dict[str, dict[str, int]] = {}

    def frame(self, *_: object) -> None:
        """Note that a frame was received."""
        self._frame_ns = time.monotonic_ns()

    def taken(self, _: object, raw: Any) -> None:
        """Note that the sighting *raw* of the last frame took the way."""
        self._of[raw.symbol] = {RECEIVED: self._frame_ns, "taken": time.monotonic_ns()}

    def of_order(self, stage: str, *, is_last: bool = False) -> Callable[..., None]:
        """Return what notes *stage* of the order among its arguments, and reports all of them after the last."""

        def note(*arguments: Any) -> None:
            symbol = next(each.symbol for each in arguments if hasattr(each, "symbol"))
            if (moments := self._of.get(symbol)) is not None:
                moments.setdefault(stage, time.monotonic_ns())
                if is_last:
                    report_soon(symbol, self._of.pop(symbol))

        return note


def stamp(moments: Moments) -> None:
    """Have *moments* noted on the way from a frame to its order."""
    before(TickerStream, "take", moments.frame)
    before(ExpressWay, "take", moments.taken)
    before(DecisionWriter, "reserve", moments.of_order("decided"))
    before(OrderSender, "prepare", moments.of_order("asked"))
    before(OrderDispatch, "send", moments.of_order("committed", is_last=True))


async def run(stop: asyncio.Event) -> None:
    """Run the express way until *stop*, and report when it is ready."""
    plan = process.ProcessPlan(services.EXPRESS, services.EXPRESS_PARTS, migrate=False, role=services.EXPRESS)
    settings = process.ProcessSettings.load()
    serve = services.prepare((services.EXPRESS,))[services.EXPRESS]
    async with process.start_process(plan, settings, stop) as own, asyncio.TaskGroup() as tasks:
        tasks.create_task(serve(own.runtime, None), name=services.EXPRESS)
        await process.until_ready(own.runtime)
        print_ready()


if __name__ == "__main__":
    stamp(Moments())
    stamp_sales()
    lifecycle.run(run)
