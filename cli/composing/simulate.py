"""`sniper simulator`: the simulated exchange alone, with the options of `python -m simulator`."""

import asyncio
import os
import sys
from collections.abc import Sequence
from typing import Final

from rich.console import Console

from shared.errors import SettingsError, SniperError
from shared.settings_sources import is_service_link, unreadable_sources
from simulator.command_line import CommandLine, InvalidSettingError, read
from simulator.parent_exit import stop_when_stdin_closes
from simulator.service import serve
from simulator.settings import SimulatorSettings
from simulator.state_file import StateError

PORT: Final = "SNIPER_SIMULATOR_PORT"


def settings(arguments: Sequence[str]) -> CommandLine:
    """Read *arguments* and the environment; raise SettingsError naming each bad variable."""
    if unreadable := list(unreadable_sources(SimulatorSettings)):
        raise SettingsError("; ".join(unreadable))
    if is_service_link(PORT, os.environ.get(PORT, "")):  # Set by Kubernetes, not by an operator.
        arguments = [f"--port={SimulatorSettings.model_fields['port'].default}", *arguments]
    try:
        return read(arguments, "sniper simulator")
    except InvalidSettingError as error:
        raise SettingsError(str(error)) from None


async def simulate(arguments: Sequence[str], stop: asyncio.Event) -> None:
    """Run the exchange with the options in *arguments* until *stop*."""
    wanted = settings(arguments)
    base = f"{wanted.host}:{{port}}"

    def announce(taken: int) -> None:
        address = base.format(port=taken)
        Console().print(f"REST on http://{address}/api/v3\nwebsocket on ws://{address}/ws", highlight=False)

    if wanted.until_stdin_closes:
        stop_when_stdin_closes(stop)
    try:
        await serve(wanted, stop, on_listening=announce, report=lambda sentence: print(sentence, file=sys.stderr))
    except StateError as error:
        raise SniperError(str(error)) from None
    except OSError as error:
        raise SettingsError(f"--port: cannot listen on {base.format(port=wanted.port)}: {error.strerror}") from None
