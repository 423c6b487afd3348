"""Identification of the server process of a data directory. No other process is ever signalled.

A process id from a file proves nothing: the process may be gone and the id reused, in a container often by this very
process. Proof are the executable and its working directory: a PostgreSQL server makes its data directory its working
directory. Layout of postmaster.pid: PostgreSQL's src/include/utils/pidfile.h.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

PID_FILE: Final = "postmaster.pid"
_NAMES: Final = frozenset({"postgres", "postgres.exe"})
_READY: Final = "ready"
_SOCKET_LINE, _STATUS_LINE = 4, 7


@dataclass(frozen=True, slots=True)
class Postmaster:
    """Live server of the directory, and its socket."""

    process: psutil.Process
    socket_directory: str
    is_ready: bool


def find_postmaster(directory: Path) -> Postmaster | None:
    """Return the live server of *directory*; None where its pid file is absent or proves nothing."""
    lines = _lines(directory)
    process = _process(lines[0]) if lines else None
    if process is None or not _serves(process, directory):
        return None
    socket_directory = lines[_SOCKET_LINE].strip() if len(lines) > _SOCKET_LINE else ""
    is_ready = len(lines) > _STATUS_LINE and lines[_STATUS_LINE].strip() == _READY
    return Postmaster(process, socket_directory, is_ready)


def clear_stale_pid_file(directory: Path) -> psutil.Process | None:
    """Remove the pid file of a server that is gone; return a process of that server that still runs, if any does.

    While one runs the file stays, because it protects the data from a second server.
    """
    if not (directory / PID_FILE).exists():
        return None
    left = next(_processes_in(directory), None)
    if left is None:
        (directory / PID_FILE).unlink(missing_ok=True)
    return left


def _lines(directory: Path) -> list[str]:
    try:
        return (directory / PID_FILE).read_text(errors="replace").splitlines()
    except OSError:
        return []


def _process(line: str) -> psutil.Process | None:
    try:
        pid = int(line)
        return psutil.Process(pid) if pid > 0 else None
    except (ValueError, OverflowError, psutil.Error):
        return None


def _processes_in(directory: Path) -> Iterator[psutil.Process]:
    return (process for process in psutil.process_iter() if _runs_in(process, directory))


def _serves(process: psutil.Process, directory: Path) -> bool:
    """Return whether *process* is the server itself, and not one of its backends."""
    with suppress(psutil.Error):
        parent = process.parent()
        return _runs_in(process, directory) and not (parent is not None and _runs_in(parent, directory))
    return False


def _runs_in(process: psutil.Process, directory: Path) -> bool:
    with suppress(psutil.Error, OSError):
        if process.status() == psutil.STATUS_ZOMBIE or process.name() not in _NAMES:
            return False
        return Path(process.cwd()).resolve() == directory
    return False
