"""Warnings and errors logged in the last hour: their number, and the latest, for health."""

import os
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from pydantic import JsonValue
from structlog.typing import EventDict, WrappedLogger

WINDOW_SECONDS: Final = 3600.0
SLICE_SECONDS: Final = 60.0
"""Lines are counted by the minute, and expire with it."""
LATEST: Final = 5
LINE_CHARACTERS_MAX: Final = 200

_COUNTED: Final = {"warning": 0, "error": 1, "critical": 1}
_BESIDE: Final = frozenset({"event", "level", "timestamp", "exception", "request_id"})


class Troubles:
    """structlog processor that counts and changes nothing; place it after redaction."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()  # Threads log, too.
        self._slices: dict[int, list[int]] = {}
        self._latest = deque[tuple[float, str]](maxlen=LATEST)

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        kind = _COUNTED.get(str(event.get("level")))
        if kind is not None:
            now = self._clock()
            with self._lock:
                self._forget(now)
                self._slices.setdefault(int(now // SLICE_SECONDS), [0, 0])[kind] += 1
                self._latest.appendleft((now, _line(event)))
        return event

    def fact(self) -> JsonValue:
        """Return the counts and the latest lines, under the name of this process."""
        with self._lock:
            self._forget(self._clock())
            latest: list[JsonValue] = [line for _, line in self._latest]
            return {
                "process": f"{socket.gethostname()}:{os.getpid()}",
                "warnings": sum(warnings for warnings, _ in self._slices.values()),
                "errors": sum(errors for _, errors in self._slices.values()),
                "latest": latest,
            }

    def _forget(self, now: float) -> None:
        oldest = int((now - WINDOW_SECONDS) // SLICE_SECONDS) + 1
        self._slices = {slot: counts for slot, counts in self._slices.items() if slot >= oldest}
        while self._latest and self._latest[-1][0] < now - WINDOW_SECONDS:
            self._latest.pop()


def _line(event: EventDict) -> str:
    """Return one line of text, without its traceback."""
    fields = " ".join(f"{name}={value}" for name, value in event.items() if name not in _BESIDE)
    text = f"{event.get('timestamp', '')} {event.get('level')} {event.get('event')} {fields}"
    return "".join(character if character.isprintable() else " " for character in text).strip()[:LINE_CHARACTERS_MAX]
