"""`python -m simulator --port P`: the exchange as a process of its own, until SIGTERM or SIGINT."""

import asyncio
import signal
import sys

import uvloop

from simulator.command_line import CommandLine, InvalidSettingError, read
from simulator.parent_exit import stop_when_stdin_closes
from simulator.service import serve
from simulator.state_file import StateError


async def run(settings: CommandLine) -> None:
    stop = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)

    def announce(port: int) -> None:
        sys.stdout.write(f"simulator listening on http://{settings.host}:{port}\n")
        sys.stdout.flush()

    if settings.until_stdin_closes:
        stop_when_stdin_closes(stop)
    await serve(settings, stop, on_listening=announce, report=write_error)


def write_error(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()


def main() -> int:
    try:
        settings = read(sys.argv[1:], "python -m simulator")
    except InvalidSettingError as error:
        write_error(str(error))
        return 2
    exit_code = 0
    try:
        uvloop.run(run(settings))
    except* OSError as errors:
        write_error(f"{settings.host}:{settings.port}: {errors.exceptions[0]}")
        exit_code = 1
    except* StateError as errors:
        write_error(str(errors.exceptions[0]))
        exit_code = 1
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
