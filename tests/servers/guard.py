"""See to it that nothing a run started outlives it, not even a run ended by SIGKILL."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

_REAPER = Path(__file__).with_name("reaper.py")
Kind = Literal["process", "directory"]


class Guard:
    """A line to the reaper, a process that ends what is still named once this one is gone."""

    def __init__(self, reaper: subprocess.Popen[str]) -> None:
        self._reaper = reaper

    def watch(self, kind: Kind, name: int | Path) -> None:
        self._tell(f"+{kind} {name}")

    def release(self, kind: Kind, name: int | Path) -> None:
        """Must follow the end of a process at once: its number will be given to another."""
        self._tell(f"-{kind} {name}")

    def _tell(self, line: str) -> None:
        assert self._reaper.stdin is not None
        self._reaper.stdin.write(line + "\n")
        self._reaper.stdin.flush()


@contextmanager
def guarded() -> Iterator[Guard]:
    """A guard for the time of the block; leaving it ends whatever was not released."""
    command = [sys.executable, "-I", "-S", str(_REAPER)]
    # In a session of its own: Ctrl-C at the terminal must not end it before its work.
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True, start_new_session=True) as reaper:
        yield Guard(reaper)
