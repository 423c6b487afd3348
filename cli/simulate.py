"""`sniper simulator`: the exchange alone, to try things on."""

import asyncio

from pydantic import ValidationError
from rich.console import Console

from shared.errors import SettingsError
from simulator.service import serve
from simulator.settings import SimulatorSettings


async def simulate(port: int | None, stop: asyncio.Event) -> None:
    """Run the exchange until *stop*, on *port* or the one in its settings."""
    settings = _settings(port)
    base = f"{settings.host}:{{port}}"

    def announce(taken: int) -> None:
        address = base.format(port=taken)
        Console().print(f"REST on http://{address}/api/v3\nwebsocket on ws://{address}/ws", highlight=False)

    try:
        await serve(settings, stop, on_listening=announce)
    except OSError as error:
        raise SettingsError(f"--port: cannot listen on {base.format(port=settings.port)}: {error.strerror}") from None


def _settings(port: int | None) -> SimulatorSettings:
    try:
        return SimulatorSettings() if port is None else SimulatorSettings(port=port)
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False, include_context=False)
        named = (f"SNIPER_SIMULATOR_{each['loc'][0] if each['loc'] else '*'}".upper() for each in problems)
        told = (f"{name}: {each['msg']}" for name, each in zip(named, problems, strict=True))
        raise SettingsError("; ".join(told)) from None
