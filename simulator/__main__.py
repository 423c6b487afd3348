"""`python -m simulator --port P`: the exchange as a process of its own, until SIGTERM or SIGINT."""

import asyncio
import signal
import sys

import uvloop
from pydantic import ValidationError
from pydantic_settings import SettingsConfigDict

from simulator.service import serve
from simulator.settings import SimulatorSettings


class _CommandLine(SimulatorSettings):
    """`--no-limits` and so on: every setting is an option."""

    model_config = SettingsConfigDict(
        cli_parse_args=True, cli_kebab_case=True, cli_implicit_flags=True, cli_prog_name="python -m simulator"
    )


async def _run(settings: SimulatorSettings) -> None:
    stop = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)

    def announce(port: int) -> None:
        sys.stdout.write(f"simulator listening on http://{settings.host}:{port}\n")
        sys.stdout.flush()

    await serve(settings, stop, on_listening=announce)


def main() -> int:
    try:
        settings = _CommandLine()
    except ValidationError as error:
        for each in error.errors(include_url=False, include_context=False, include_input=False):
            sys.stderr.write(f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}\n")
        return 2
    uvloop.run(_run(settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
