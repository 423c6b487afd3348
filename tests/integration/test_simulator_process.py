"""The simulator as a process: it prints its address, and ends on a signal, whatever is open."""

import asyncio
import signal
import sys

import httpx
import pytest
import websockets

from tests.support.running.simulators import SimulatorProcess, plain_http, running_simulator
from tests.waiting import eventually

STOP_SECONDS = 10


async def ends(simulator: SimulatorProcess) -> int:
    """The exit code, which has to come in time."""
    async with asyncio.timeout(STOP_SECONDS):
        return await simulator.process.wait()


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
async def test_signal_ends_it_cleanly_with_a_websocket_open(signum: signal.Signals) -> None:
    async with running_simulator() as simulator, websockets.connect(simulator.ws_url) as socket:
        await socket.send('{"method":"SUBSCRIPTION","params":["spot@public.miniTickers.v3.api.pb@UTC+8"]}')
        await socket.recv()

        simulator.process.send_signal(signum)

        assert await ends(simulator) == 0


async def test_signal_ends_it_cleanly_with_a_request_hanging() -> None:
    async with running_simulator() as simulator, plain_http(base_url=simulator.rest_url) as http:
        await simulator.arm("hang_before_accept", endpoint="GET /api/v3/time")

        async def hang() -> None:
            with pytest.raises(httpx.TransportError):
                await http.get("/api/v3/time")

        async def counted() -> int | None:
            return (await simulator.requests()).get("GET /api/v3/time")

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(hang())
            await eventually(counted)
            simulator.process.terminate()

            assert await ends(simulator) == 0


async def run(*arguments: str) -> tuple[int | None, str]:
    """The exit code and what was written to standard error."""
    command = (sys.executable, "-m", "simulator", *arguments)
    nothing, pipe = asyncio.subprocess.DEVNULL, asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=nothing, stdout=nothing, stderr=pipe)
    _, complaint = await process.communicate()
    return process.returncode, complaint.decode()


async def test_it_ends_when_its_standard_input_does() -> None:
    assert await run("--symbols", "3", "--until-stdin-closes") == (0, "")


async def test_bad_setting_ends_it_with_2_naming_the_variable() -> None:
    code, complaint = await run("--symbols", "1")

    assert (code, complaint.startswith("SNIPER_SIMULATOR_SYMBOLS:")) == (2, True)


async def test_taken_port_ends_it_with_1_naming_the_address() -> None:
    async with running_simulator() as first:
        code, complaint = await run("--port", str(first.port))

    assert code == 1
    assert complaint.startswith(f"127.0.0.1:{first.port}: ")
