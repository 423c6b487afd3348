"""The end of standard input as a signal: it comes when the process at its other end is gone, however that ended."""

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

    # A thread reads any kind of input, where event loops take pipes only; being a daemon it holds up no ending.
    threading.Thread(target=wait, name="simulator-stdin", daemon=True).start()
