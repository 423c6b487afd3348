"""Outlive a test run: when standard input ends, kill the processes and remove the directories still named on it.

Lines: `+process PID` and `+directory PATH`; the same with a minus takes it back.
Run as a script by `guard.Guard`; uses the standard library only.
"""

import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path

_REMOVAL_SECONDS = 10


def remaining(lines: Iterable[str]) -> set[tuple[str, str]]:
    """What was named and not taken back, as (kind, name)."""
    left: set[tuple[str, str]] = set()
    for line in lines:
        kind, _, name = line.rstrip("\n").partition(" ")
        change = left.add if kind[0] == "+" else left.discard
        change((kind[1:], name))
    return left


def reap(left: set[tuple[str, str]]) -> None:
    """Kill first, remove afterwards: a live server would write its files again."""
    for kind, name in left:
        if kind == "process":
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(name), signal.SIGKILL)
    for kind, name in left:
        if kind == "directory":
            _remove(Path(name))


def _remove(directory: Path) -> None:
    deadline = time.monotonic() + _REMOVAL_SECONDS
    while directory.exists() and time.monotonic() < deadline:
        shutil.rmtree(directory, ignore_errors=True)
        time.sleep(0.05)


if __name__ == "__main__":
    reap(remaining(sys.stdin))
