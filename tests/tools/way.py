"""Count the files and functions between a frame and its order, and between the exchange's answer and the trade's row.

`python -m tests.tools.way [frame-to-wire | answer-to-row]` runs the services in one process on the embedded bus,
against a simulated exchange, and prints the own functions that run on the way, in the order of their first call.
"""

import argparse
import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType, MappingProxyType
from typing import Final
from unittest.mock import patch

import asyncpg

from cli import process
from cli.composing import services
from cli.composing.up import run_services
from tests.servers.postgres import postgres_server_for
from tests.support.running.simulators import Simulator, running_simulator
from tests.tools.causality import caused, way
from tests.tools.sources import ROOT
from tests.tools.tracing import Mark, Run, TracedLoop, Tracer
from tests.waiting import eventually

SERVICES: Final = ("persister", "dedup", "executor", "ingest")
SAMPLES: Final = 4
SECONDS_MAX: Final = 20
FRAME, COMMIT, WIRE, ANSWER, ROW = "frame", "commit", "wire", "answer", "row"
WAYS: Final[Mapping[str, tuple[str, str]]] = {"frame-to-wire": (FRAME, WIRE), "answer-to-row": (ANSWER, ROW)}
LIMITS: Final[Mapping[str, Mapping[str, int]]] = MappingProxyType(
    {
        "frame-to-wire": {"files": 45, "functions": 140, "nested calls": 6},
        "answer-to-row": {"files": 20, "functions": 60},
    }
)
SEED: Final = "UPDATE trade_config SET auto_trade = $1, max_position_usdt = 100000"


@dataclass(frozen=True, slots=True)
class Chain:
    """Own functions on a way, in the order of their first call; and all that its start caused, needed or not."""

    functions: Sequence[str]
    caused: int
    nested: Sequence[str] = ()
    """Calls under way when the bytes are written, from the first after the commit."""

    @property
    def files(self) -> Sequence[str]:
        return list(dict.fromkeys(each.partition(":")[0] for each in self.functions))

    @property
    def figures(self) -> Mapping[str, int]:
        return {"files": len(self.files), "functions": len(self.functions), "nested calls": len(self.nested)}


class Moments:
    """Recognises a listing's moments by the bytes and statements that pass, whatever our functions are called."""

    def __init__(self) -> None:
        self.symbol = ""

    def __call__(self, frame: FrameType) -> str:
        file, name = frame.f_code.co_filename, frame.f_code.co_name
        if file.endswith("asyncio/selector_events.py"):
            return WIRE if name == "write" and self._is_order(frame.f_locals.get("data")) else ""
        if "/asyncpg/" in file and "query" in frame.f_code.co_varnames:
            return _statement(str(frame.f_locals.get("query")))
        if file.startswith(f"{ROOT}/ingest/"):
            return FRAME if any(self._names_symbol(each) for each in frame.f_locals.values()) else ""
        if file.startswith(f"{ROOT}/shared/mexc/"):
            return ANSWER if any(self._is_answer(each) for each in frame.f_locals.values()) else ""
        return ""

    def _is_order(self, data: object) -> bool:
        return self._names_symbol(data) and bytes(data).startswith(b"POST /api/v3/order")  # type: ignore[call-overload]

    def _is_answer(self, data: object) -> bool:
        """Return whether *data* is an answer of the exchange about an order: a whole reply, or the body of one."""
        if not isinstance(data, bytes):
            return False
        return data.startswith(b"HTTP/1.1 ") or (data[:1] in {b"{", b"["} and self._names_symbol(data))

    def _names_symbol(self, data: object) -> bool:
        return isinstance(data, bytes | bytearray | memoryview) and self.symbol.encode() in bytes(data)


def _statement(query: str) -> str:
    if "INTO trades" in query:
        return ROW
    return COMMIT if "INTO orders" in query else ""


@asynccontextmanager
async def pipeline(database: str, simulator: Simulator, *, live: bool) -> AsyncIterator[None]:
    """Run the services in this process for the time of the block, as `sniper up` does."""
    connection = await asyncpg.connect(database)
    await connection.execute(SEED, live)
    await connection.close()
    with patch.dict(os.environ, _environment(database, simulator, live=live)):
        settings, stop = process.ProcessSettings.load().quiet(), asyncio.Event()
        chosen = services.prepare(SERVICES)
        plan = process.ProcessPlan("way", services=SERVICES, migrate=False)
        async with process.start_process(plan, settings, stop) as own, asyncio.TaskGroup() as tasks:
            tasks.create_task(run_services(chosen, own.runtime), name="services")
            try:
                await eventually(lambda: not own.runtime.telemetry.not_ready(), within_seconds=SECONDS_MAX)
                yield
            finally:
                stop.set()


def _environment(database: str, simulator: Simulator, *, live: bool) -> Mapping[str, str]:
    return {
        "SNIPER_DATABASE_URL": database,
        "SNIPER_MEXC_REST_URL": simulator.rest_url,
        "SNIPER_MEXC_WS_URL": simulator.ws_url,
        "SNIPER_MEXC_API_KEY": simulator.api_key,
        "SNIPER_MEXC_API_SECRET": simulator.api_secret,
        "SNIPER_LIVE": str(live).lower(),
        "SNIPER_METRICS_PORT": "0",
        # Lists are read seldom: a ticker alone shows the newcomer. The look-up of its opening is a way of its own.
        "SNIPER_INGEST_DEFAULT_SYMBOLS_SECONDS": "60",
        "SNIPER_INGEST_DEFAULT_SYMBOLS_OPENING_SECONDS": "60",
        "SNIPER_INGEST_EXCHANGE_INFO_SECONDS": "600",
        "SNIPER_INGEST_EXCHANGE_INFO_OPENING_SECONDS": "600",
        "SNIPER_EXECUTOR_OPENING_UNKNOWN": "buy",
    }


async def sample(simulator: Simulator, tracer: Tracer, moments: Moments, number: int) -> Mapping[str, Chain]:
    """List a coin, follow it to its row, and return the chains that were found."""
    moments.symbol = f"WAY{number}USDT"
    with tracer.armed(), suppress(AssertionError):  # A sample that finds no row in time counts for nothing.
        await simulator.list_coin(moments.symbol, price="1.00", swing="0")
        await eventually(lambda: _chain(tracer, ANSWER, ROW) is not None, within_seconds=SECONDS_MAX)
    found = {name: _chain(tracer, *ends) for name, ends in WAYS.items()}
    return {name: chain for name, chain in found.items() if chain is not None}


def _chain(tracer: Tracer, first: str, last: str) -> Chain | None:
    """Return the chain to the first moment named *last* from the latest one named *first* that it follows from."""
    for end in (mark for mark in tracer.marks if mark.name == last):
        starts = [mark for mark in tracer.marks if mark.name == first and mark.position < end.position]
        for start in reversed(_first_of_each_run(starts)):
            if segments := way(tracer.runs, start, end):
                functions = _named(code for segment in segments for code in segment.codes())
                follows = _named(code for segment in caused(tracer.runs, start, end) for code in segment.codes())
                nested = _nested(tracer, end) if last == WIRE else ()
                return Chain(functions, len({*functions, *follows}), nested)
    return None


def _first_of_each_run(marks: Sequence[Mark]) -> Sequence[Mark]:
    """Leave out the calls that get the same bytes from the one before."""
    first: dict[Run, Mark] = {}
    for mark in marks:
        first.setdefault(mark.run, mark)
    return list(first.values())


def _nested(tracer: Tracer, end: Mark) -> Sequence[str]:
    """Return the calls under way at *end* that were not yet so at the commit before it, outermost first."""
    commits = [each for each in tracer.marks if each.name == COMMIT and each.position < end.position]
    before = {id(frame) for frame in commits[-1].stack} if commits else set()
    return [_name(frame.f_code) for frame in reversed(end.stack) if id(frame) not in before]


def _named(codes: Iterable[CodeType]) -> Sequence[str]:
    return list(dict.fromkeys(map(_name, codes)))


def _name(code: CodeType) -> str:
    return f"{Path(code.co_filename).relative_to(ROOT)}:{code.co_qualname.replace('<locals>.', '')}"


async def measured(database: str, tracer: Tracer, moments: Moments, *, live: bool, samples: int) -> Mapping[str, Chain]:
    """Return the shortest chain of each way: what runs beside may fall into any sample."""
    shortest: dict[str, Chain] = {}
    async with running_simulator() as simulator, pipeline(database, simulator, live=live):
        for number in range(samples):
            for name, chain in (await sample(simulator, tracer, moments, number)).items():
                if name not in shortest or len(chain.functions) < len(shortest[name].functions):
                    shortest[name] = chain
    return shortest


def lines_of(name: str, chain: Chain) -> Iterable[str]:
    """Yield the figures of *chain*, and its functions."""
    yield f"{name}: {len(chain.files)} files, {len(chain.functions)} functions"
    yield f"  by package: {', '.join(_by_package(chain))}"
    yield f"  with all that ran beside because of it: {chain.caused} functions"
    if chain.nested:
        yield f"  commit to bytes: {len(chain.nested)} nested calls"
        yield from (f"    {each}" for each in chain.nested)
    yield "  in the order of their first call:"
    yield from (f"    {each}" for each in chain.functions)


def _by_package(chain: Chain) -> Iterable[str]:
    files = Counter(each.partition("/")[0] for each in chain.files)
    functions = Counter(each.partition("/")[0] for each in chain.functions)
    return (f"{package} {files[package]} files and {count} functions" for package, count in functions.most_common())


def exceeded(name: str, chain: Chain) -> Iterable[str]:
    """Yield each limit that *chain* passes."""
    for what, limit in LIMITS[name].items():
        if chain.figures[what] > limit:
            yield f"{name}: {chain.figures[what]} > {limit} {what}"


def followed(*, live: bool, samples: int = SAMPLES) -> Mapping[str, Chain]:
    """Return the chains, on a database and in an event loop of their own."""
    moments = Moments()
    tracer = Tracer(moments)
    with (
        postgres_server_for(os.environ) as server,
        asyncio.Runner(loop_factory=lambda: TracedLoop(tracer)) as runner,
    ):
        return runner.run(measured(server.create_migrated_database(), tracer, moments, live=live, samples=samples))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.way", description=__doc__)
    parser.add_argument("way", nargs="?", choices=tuple(WAYS), help="both by default")
    parser.add_argument("--dry-run", action="store_true", help="follow orders that the exchange only tests")
    parser.add_argument("--check", action="store_true", help="name each limit that is passed, and exit 1")
    given = parser.parse_args(arguments)
    found = followed(live=not given.dry_run)
    names = [given.way] if given.way else list(WAYS)
    wrong = [f"{name}: not found in {SAMPLES} samples" for name in names if name not in found]
    for name in (each for each in names if each in found):
        if given.check:
            wrong += exceeded(name, found[name])
        else:
            print("\n".join(lines_of(name, found[name])))  # noqa: T201 - its output
    print("\n".join(wrong) or "Every way is found and within its limits." * given.check)  # noqa: T201 - its output
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
