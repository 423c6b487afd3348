"""A simulator as a child process."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from pydantic import SecretStr

from shared.errors import SniperError
from shared.settings import ExchangeSettings, load

START_SECONDS_MAX = 20.0
STOP_SECONDS_MAX = 3.0


@asynccontextmanager
async def run_simulator(*options: str, port: int = 0) -> AsyncIterator[ExchangeSettings]:
    """Run a simulator as a child process; yield exchange settings that point at it.

    It watches its standard input, and so ends with this process in any case.
    """
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "simulator", "--port", str(port), "--until-stdin-closes", *options),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for this process, which stops the child last.
    )
    try:
        yield settings_for(await address_of(child))
    finally:
        await end_process(child)


async def address_of(child: asyncio.subprocess.Process) -> str:
    """Return the address that a simulator prints once it listens; raise SniperError if it does not start."""
    assert child.stdout is not None
    try:
        async with asyncio.timeout(START_SECONDS_MAX):
            line = (await child.stdout.readline()).decode()
    except TimeoutError:
        raise SniperError(f"the simulator did not start within {START_SECONDS_MAX:.0f} s") from None
    if not line:
        raise SniperError(f"the simulator ended before it listened (exit code {await child.wait()})")
    return line.rsplit(" ", 1)[-1].strip()


def settings_for(address: str) -> ExchangeSettings:
    """Return exchange settings that point at the simulator at *address*."""
    return load(ExchangeSettings).model_copy(
        update={
            "mexc_rest_url": address,
            "mexc_ws_url": f"{address.replace('http', 'ws', 1)}/ws",
            "mexc_web_url": address,
            "mexc_api_key": SecretStr("sim-key"),
            "mexc_api_secret": SecretStr("sim-secret"),
        }
    )


async def end_process(child: asyncio.subprocess.Process) -> None:
    """Terminate *child*, and kill it if it has not ended within a timeout."""
    with suppress(ProcessLookupError):
        child.terminate()
    try:
        async with asyncio.timeout(STOP_SECONDS_MAX):
            await child.wait()
    except TimeoutError:
        child.kill()
        await child.wait()
