"""The health check of a container, beside a real process' health page."""

import asyncio
import os
import socket
import sys

import pytest

from shared.process import telemetry
from shared.settings import TelemetrySettings
from tests.servers.ports import free_ports


def has_ipv6() -> bool:
    """Return whether this machine has the loopback address of IPv6."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


async def health(port: int, **more: str) -> int:
    """Return the check's exit code."""
    command = (sys.executable, "-m", "cli.composing.healthcheck")
    environment = {**os.environ, "SNIPER_METRICS_PORT": str(port), **more}
    check = await asyncio.create_subprocess_exec(*command, env=environment)
    return await check.wait()


async def test_a_process_that_waits_for_its_broker_is_well() -> None:
    async with telemetry.serve(TelemetrySettings(metrics_port=0)) as (own, port):
        own.ready_when("broker", lambda: False)

        assert await health(port) == 0


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.2", "::1", "::"])
async def test_a_process_is_found_where_it_listens(host: str) -> None:
    if ":" in host and not has_ipv6():
        pytest.skip("this machine has no IPv6")
    async with telemetry.serve(TelemetrySettings(metrics_host=host, metrics_port=0)) as (_, port):
        assert await health(port, SNIPER_METRICS_HOST=host) == 0


async def test_nobody_on_the_port_is_not_well() -> None:
    assert await health(free_ports(1)[0]) == 1


async def test_a_stuck_process_is_not_well() -> None:
    async with telemetry.serve(TelemetrySettings(metrics_port=0)) as (own, port):
        own.is_alive = lambda: False  # type: ignore[method-assign] # ten seconds of a stuck loop, without the wait

        assert await health(port) == 1
