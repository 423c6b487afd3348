"""The simulated exchange as a process of its own, for tests that talk to it over real sockets."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from simulator.service import serve
from simulator.settings import SimulatorSettings
from tests.support.running.starting import Process, forked

START_SECONDS = 40
STOP_SECONDS = 5
STDERR = 2
QUICK: dict[str, Any] = {"symbols": 60, "limits": False, "ticker_interval_seconds": 0.05}


def plain_http(base_url: str = "", timeout: float = 10) -> httpx.AsyncClient:
    """A client without TLS: loading the certificates of the world takes longer than most tests."""
    return httpx.AsyncClient(base_url=base_url, timeout=timeout, verify=False, trust_env=False)


class Simulator:
    """A running simulator. Its control methods raise httpx.HTTPStatusError when refused."""

    api_key = "sim-key"
    api_secret = "sim-secret"

    def __init__(self, port: int, control: httpx.AsyncClient) -> None:
        self.port = port
        self.rest_url = f"http://127.0.0.1:{port}"
        self.ws_url = f"ws://127.0.0.1:{port}/ws"
        self._control = control

    async def list_coin(self, symbol: str, opens_in: float = 0, **options: Any) -> Any:
        """List *symbol* now, tradable in *opens_in* seconds; more options: see ListingRequest."""
        opening = {"opens_in": opens_in} if opens_in else {}
        return await self._send("POST", "/symbols", {"symbol": symbol, **opening, **options})

    async def list_newcomer(self) -> Any:
        """List a coin of a new name, with the scenario that is next."""
        return await self._send("POST", "/newcomers")

    async def prices(self, *symbols: str) -> dict[str, str]:
        """The last prices of those of *symbols* that are listed."""
        found: dict[str, str] = await self._send("GET", f"/prices?symbols={','.join(symbols)}")
        return found

    async def change_coin(self, symbol: str, **changes: Any) -> Any:
        return await self._send("PATCH", f"/symbols/{symbol}", changes)

    async def coin(self, symbol: str) -> Any:
        """What *symbol* is at the moment; its times, like `opens_at_ms`, are of the exchange's clock."""
        return await self._send("GET", f"/symbols/{symbol}")

    async def tick(self, symbol: str, *ticks: dict[str, Any]) -> int:
        """Push *ticks* of *symbol* on its streams, and nothing else from now on; return how many were sent."""
        answer = await self._send("POST", f"/symbols/{symbol}/ticks", {"ticks": ticks})
        return int(answer["sent"])

    async def delist_coin(self, symbol: str) -> None:
        await self._send("DELETE", f"/symbols/{symbol}")

    async def orders(self, symbol: str | None = None) -> list[dict[str, Any]]:
        """Every order request received, oldest first, whatever became of it."""
        entries: list[dict[str, Any]] = await self._send("GET", "/orders")
        return [each for each in entries if symbol in {None, each["symbol"]}]

    async def spending(self) -> Any:
        """The fills in their order with the exposure after each, its maximum, and client ids received repeatedly."""
        return await self._send("GET", "/spending")

    async def requests(self) -> dict[str, int]:
        """How often each endpoint was called: `{"GET /api/v3/time": 3}`."""
        counted: dict[str, int] = await self._send("GET", "/requests")
        return counted

    async def refusals(self) -> dict[str, int]:
        """How often the rate limits refused each endpoint."""
        counted: dict[str, int] = await self._send("GET", "/refusals")
        return counted

    async def streams(self) -> list[list[str]]:
        """The channels of each open websocket."""
        channels: list[list[str]] = await self._send("GET", "/streams")
        return channels

    async def watches_account(self) -> bool:
        """Whether somebody follows the private stream."""
        return any("private" in channel for channels in await self.streams() for channel in channels)

    async def traffic(self) -> list[dict[str, Any]]:
        """Every request as the rate limits saw it, oldest first: caller, endpoint, weight, and 429 or 418."""
        passages: list[dict[str, Any]] = await self._send("GET", "/traffic")
        return passages

    async def weights(self, seconds: int = 10) -> list[dict[str, Any]]:
        """What each caller spent in each window of *seconds*, oldest first."""
        windows: list[dict[str, Any]] = await self._send("GET", f"/weights?seconds={seconds}")
        return windows

    async def fund(self, **balances: str) -> None:
        await self._send("PATCH", "/account", {"balances": balances})

    async def take_away(self, asset: str, *, but: str = "0") -> None:
        """Sell *asset* by hand, as far as anybody can see: the free balance is *but* from now on."""
        await self.fund(**{asset: but})

    async def script(self, symbol: str, **book: Any) -> None:
        """Set *bids*, *asks*, or both, for good: what they look like is what trades. None gives a side back."""
        await self.change_coin(symbol, **book)

    async def glimpse(self, symbol: str, looks: int | None = 1, **book: Any) -> None:
        """Show *bids*, *asks*, or both, for that many looks; what trades is the book as it is."""
        await self.arm("book_look", symbol=symbol, count=looks, **book)

    async def spoil(self, symbol: str, value: Any = "NaN", looks: int | None = 1, **options: Any) -> None:
        """Show garbage as the best bid of *symbol*, or as the *field* that is named, for that many looks."""
        await self.arm("bad_book", symbol=symbol, value=value, count=looks, **options)

    async def hide(self, *views: str, seconds: float | None = None, **aim: Any) -> None:
        """Hide the next order from *views* (from every one if none is named), for *seconds* or for ever."""
        await self.arm("order_hidden", seconds=seconds, **({"views": views} if views else {}), **aim)

    async def arm(self, fault: str, **options: Any) -> Any:
        return await self._send("POST", "/faults", {"fault": fault, **options})

    async def armed(self) -> list[dict[str, Any]]:
        faults: dict[str, list[dict[str, Any]]] = await self._send("GET", "/faults")
        return faults["armed"]

    async def disarm(self, fault: str = "") -> None:
        """End every fault, or those of one name; requests they hold go on."""
        await self._send("DELETE", f"/faults/{fault}" if fault else "/faults")

    async def _send(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        response = await self._control.request(method, f"{self.rest_url}/_sim{path}", json=body)
        response.raise_for_status()
        return response.json() if response.content else None


class SimulatorProcess(Simulator):
    def __init__(self, port: int, control: httpx.AsyncClient, process: Process) -> None:
        super().__init__(port, control)
        self.process = process

    async def process_killed(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        await self.process.wait()


@asynccontextmanager
async def running_simulator(*, errors: int | None = None, **options: Any) -> AsyncIterator[SimulatorProcess]:
    """A simulator on a free port: small, quick and without rate limits unless *options* say otherwise.

    The options are the fields of SimulatorSettings. What it complains of goes to the file descriptor *errors*.
    """
    settings = QUICK | options
    environment = {f"SNIPER_SIMULATOR_{name.upper()}": str(value) for name, value in settings.items()}
    inlet, outlet = os.pipe()
    process = await forked(
        "simulator",
        environment=os.environ | environment,
        directory=Path.cwd(),
        stdout=outlet,
        stderr=STDERR if errors is None else errors,
    )
    os.close(outlet)
    try:
        async with asyncio.timeout(START_SECONDS):
            port = _port(await asyncio.to_thread(_first_line, inlet))
        async with plain_http() as control:
            yield SimulatorProcess(port, control, process)
    finally:
        await _stop(process)


@asynccontextmanager
async def simulator_in_this_process(**options: Any) -> AsyncIterator[Simulator]:
    """The same within this event loop: it starts in a tenth of the time and cannot be killed alone."""
    stop, listening = asyncio.Event(), asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(serve(SimulatorSettings(**QUICK | options), stop, on_listening=listening.set_result))
        try:
            async with plain_http() as control:
                yield Simulator(await listening, control)
        finally:
            stop.set()


def _first_line(inlet: int) -> str:
    with os.fdopen(inlet, encoding="utf-8") as said:
        return said.readline()


def _port(line: str) -> int:
    if "listening on" not in line:
        raise RuntimeError(f"the simulator did not start: {line!r}")
    return int(line.rsplit(":", 1)[1])


async def _stop(process: Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
