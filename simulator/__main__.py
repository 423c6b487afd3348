"""`python -m simulator --port P`: the exchange as a process of its own, until SIGTERM or SIGINT."""

import asyncio
import os
import signal
import sys
import threading
from contextlib import suppress

import uvloop
from pydantic import Field, ValidationError
from pydantic_settings import SettingsConfigDict

from simulator.service import serve
from simulator.settings import SimulatorSettings

_PROGRAM = "python -m simulator"


class CommandLine(SimulatorSettings):
    """Every setting is an option: `--symbols 500 --no-limits`."""

    model_config = SettingsConfigDict(
        cli_parse_args=True, cli_kebab_case=True, cli_implicit_flags=True, cli_prog_name=_PROGRAM
    )

    until_stdin_closes: bool = Field(False, description="end with the process that started this one")


async def run(settings: CommandLine) -> None:
    stop = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)

    def announce(port: int) -> None:
        sys.stdout.write(f"simulator listening on http://{settings.host}:{port}\n")
        sys.stdout.flush()

    if settings.until_stdin_closes:
        _stop_when_stdin_closes(stop)
    await serve(settings, stop, on_listening=announce)


def _stop_when_stdin_closes(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 1_024):
            continue
        with suppress(RuntimeError):  # The loop has ended before its input.
            loop.call_soon_threadsafe(stop.set)

    # A thread reads any kind of input, where event loops take pipes only; being a daemon it holds up no ending.
    threading.Thread(target=wait, name="simulator-stdin", daemon=True).start()


def main() -> int:
    try:
        settings = CommandLine()
    except ValidationError as error:
        for each in error.errors(include_url=False, include_context=False, include_input=False):
            name = "_".join(str(part) for part in each["loc"])
            sys.stderr.write(f"SNIPER_SIMULATOR_{name.upper()}: {each['msg']}\n")
        return 2
    exit_code = 0
    try:
        uvloop.run(run(settings))
    except* OSError as errors:
        sys.stderr.write(f"{settings.host}:{settings.port}: {errors.exceptions[0]}\n")
        exit_code = 1
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
