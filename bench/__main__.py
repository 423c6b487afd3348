"""`python -m bench [NAME ...]`: measure, show, and save."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final

import uvloop
from rich.console import Console

from bench import machine, report
from bench.figures import BenchmarkError, Result
from bench.harness import Harness, open_harness
from bench.parts import (
    dedup,
    embedded,
    executor,
    express,
    openings,
    persister,
    pipeline,
    publish,
    standby,
    telemetry,
    ticker,
)
from bench.parts import exit as exits
from bench.parts.api import part as api
from bench.sampling import Plan
from shared.process.telemetry import configure_logging
from shared.settings import TelemetrySettings

ON_SERVERS: Final[Mapping[str, Callable[[Harness], Awaitable[Result]]]] = MappingProxyType(
    {
        "executor": executor.measure,
        "exit": exits.measure,
        "openings": openings.measure,
        "pipeline": pipeline.measure,
        "embedded": embedded.measure,
        "express": express.measure,
        "standby": standby.measure,
        "publish": publish.measure,
        "dedup": dedup.measure,
        "persister": persister.measure,
        "api": api.measure,
        "telemetry": telemetry.measure,
    }
)
ALONE: Final[Mapping[str, Callable[[Plan], Result]]] = MappingProxyType(
    {"ticker_3000": partial(ticker.measure, 3_000), "ticker_30000": partial(ticker.measure, 30_000)}
)
NAMES: Final = (*ON_SERVERS, *ALONE)
EXIT_STOPPED: Final = 130


def main() -> int:
    """Return the exit status: 1 if a benchmark failed; later ones are still measured."""
    options = _options()
    plan = Plan(options.samples, options.warmups)
    configure_logging(TelemetrySettings(log_level="warning"))
    console, errors = Console(), Console(stderr=True)
    found, results, failed = machine.describe(), dict[str, Result](), False
    try:
        for name, result in _measured(options.names or NAMES, plan):
            if isinstance(result, BenchmarkError):
                errors.print(f"{name}: {result}", style="red", markup=False, highlight=False)
                failed = True
                continue
            results[name] = result
            report.save(results, found, options.results)  # Saved at once, in case a later one fails.
            errors.print(f"{name}: {result.ratio_p50:.2f}× the floor's median", highlight=False)
    except (KeyboardInterrupt, asyncio.CancelledError):
        return EXIT_STOPPED
    console.print(report.table(results))
    for line in (*report.details(results), f"machine: {found}", f"saved: {options.results}"):
        console.print(line, highlight=False, soft_wrap=True)
    return int(failed)


def _measured(names: Collection[str], plan: Plan) -> Iterator[tuple[str, Result | BenchmarkError]]:
    """Run these benchmarks one after another, with servers if one needs them; yield their results."""
    # SIGTERM is handled like Ctrl-C, which leaves no process running.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with ExitStack() as stack:
        harness = stack.enter_context(open_harness(plan)) if ON_SERVERS.keys() & names else None
        for name in NAMES:
            if name not in names:
                continue
            if harness is not None and name in ON_SERVERS:
                yield name, measure_on_servers(name, harness)
            else:
                yield name, ALONE[name](plan)


def measure_on_servers(name: str, harness: Harness) -> Result | BenchmarkError:
    """Return the result of a benchmark of `ON_SERVERS`, or its error with the ends of all logs."""

    async def run() -> Result:
        measuring = asyncio.ensure_future(ON_SERVERS[name](harness))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, measuring.cancel)
        return await measuring

    try:
        return uvloop.run(run())
    except BenchmarkError as error:
        return BenchmarkError(f"{error}\n{harness.log_tails()}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(NAMES)}; all of them if none")
    parser.add_argument("--samples", type=_positive, default=150, help="of ours and of the floor (default 150)")
    parser.add_argument("--warmups", type=_positive, default=20, help="before them, not counted (default 20)")
    parser.add_argument("--results", type=Path, default=report.RESULTS, help="written anew after each benchmark")
    options = parser.parse_args()
    if unknown := set(options.names) - set(NAMES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; choose from {', '.join(NAMES)}")
    return options


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
