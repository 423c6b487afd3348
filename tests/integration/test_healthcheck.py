"""The health check of a container, beside a real process' health page."""

import asyncio
import os
import sys

from shared.process import telemetry
from shared.settings import TelemetrySettings
from tests.servers.ports import free_ports


async def health(port: int) -> int:
    """Return the check's exit code."""
    command = (sys.executable, "-m", "cli.composing.healthcheck")
    check = await asyncio.create_subprocess_exec(*command, env={**os.environ, "SNIPER_METRICS_PORT": str(port)})
    return await check.wait()


async def test_a_process_that_waits_for_its_broker_is_well() -> None:
    async with telemetry.serve(TelemetrySettings(metrics_port=0)) as (own, port):
        own.ready_when("broker", lambda: False)

        assert await health(port) == 0


async def test_nobody_on_the_port_is_not_well() -> None:
    assert await health(free_ports(1)[0]) == 1


async def test_a_stuck_process_is_not_well() -> None:
    async with telemetry.serve(TelemetrySettings(metrics_port=0)) as (own, port):
        own.is_alive = lambda: False  # type: ignore[method-assign] # ten seconds of a stuck loop, without the wait

        assert await health(port) == 1
