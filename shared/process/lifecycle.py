"""Process lifecycle, from signal handlers to the exit code."""

import asyncio
import gc
import itertools
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from typing import Final, TypeVar

import structlog
import uvloop

from shared.bus.drain import bounded_drain
from shared.errors import SettingsError, SniperError, TransientError, jittered, pause
from shared.process.malloc_tuning import return_large_blocks

log = structlog.get_logger()
T = TypeVar("T")

EXIT_SETTINGS: Final = 2
EXIT_FAILURE: Final = 1
COMPLAIN_EVERY_SECONDS: Final = 60.0
STOP_SECONDS: Final = 16.0
"""For a service to stop in order; what is left then is cancelled."""


def run(main: Callable[[asyncio.Event], Awaitable[None]], *, stop_seconds: float | None = None) -> None:
    """Run *main* until it returns; SIGTERM or SIGINT sets its event, a second signal kills.

    What still runs *stop_seconds* after a signal is cancelled, and that logged: servers that do not answer must not
    keep a process until it is killed. Exits with code 2 for bad settings and 1 for a failure of ours.
    """
    return_large_blocks()
    try:
        uvloop.run(_with_signals(main, stop_seconds))
    except SniperError as error:
        _leave([error])
    except BaseExceptionGroup as group:
        ours, others = group.split(SniperError)
        if ours is None or others is not None:
            raise
        _leave(list(_singles(ours)))


def _singles(group: BaseExceptionGroup[SniperError]) -> Iterator[SniperError]:
    for error in group.exceptions:
        yield from _singles(error) if isinstance(error, BaseExceptionGroup) else (error,)


def _leave(errors: Sequence[SniperError]) -> None:
    """Exit with the first of *errors*, settings before others; an early stop is none."""
    failures = [error for error in errors if not isinstance(error, StoppedWhileWaitingError)]
    if not failures:
        return
    settings = [error for error in failures if isinstance(error, SettingsError)]
    print([*settings, *failures][0], file=sys.stderr)  # noqa: T201 - the last message of a process goes to its terminal
    sys.exit(EXIT_SETTINGS if settings else EXIT_FAILURE)


async def _with_signals(main: Callable[[asyncio.Event], Awaitable[None]], stop_seconds: float | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    # A collection over all imported modules blocks everything for 40 ms.
    gc.collect()
    gc.freeze()

    async with bounded_drain("the process") as limit:

        def request_stop(signum: int) -> None:
            loop.remove_signal_handler(signum)  # A second signal kills at once.
            if stop_seconds is not None and not stop.is_set():
                with suppress(RuntimeError):  # It has ended by itself.
                    limit.reschedule(loop.time() + stop_seconds)
            stop.set()

        for signum in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signum, request_stop, signum)
        await main(stop)


class StoppedWhileWaitingError(SniperError):
    """Stopped before a dependency was available."""


async def when_available(what: str, connect: Callable[[], Awaitable[T]], stop: asyncio.Event) -> T:
    """Return the result of *connect*, retried with back-off while it raises TransientError.

    Logs at first and then once a minute; raises StoppedWhileWaitingError when *stop* is set meanwhile.
    """
    loop = asyncio.get_running_loop()
    complain_at = loop.time()
    for attempt in itertools.count():
        try:
            return await connect()
        except TransientError as error:
            if loop.time() >= complain_at:
                log.warning("waiting", what=what, reason=str(error))
                complain_at = loop.time() + COMPLAIN_EVERY_SECONDS
        await pause(jittered(attempt), stop)
        if stop.is_set():
            raise StoppedWhileWaitingError(f"stopped while waiting for {what}")
    raise AssertionError
