"""End of standard input as a stop signal: it comes when the parent process ends in any way."""

import asyncio
import os
import sys
import threading
from contextlib import suppress


def stop_when_stdin_closes(stop: asyncio.Event) -> None:
    """Set *stop* when standard input ends."""
    loop = asyncio.get_running_loop()

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 1_024):
            continue
        with suppress(RuntimeError):  # The loop has ended before its input.
            loop.call_soon_threadsafe(stop.set)

    # A thread reads any kind of input, where event loops take pipes only; a daemon thread does not delay the exit.
    threading.Thread(target=wait, name="simulator-stdin", daemon=True).start()
