"""A program in a forked process: `sniper`, the simulator or a part of the benchmarks, its imports made before.

It is forked with neither threads nor an event loop; its environment, directory and streams are set before it starts.
"""

import atexit
import importlib
import os
import runpy
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

PROGRAMS: Final[Mapping[str, str]] = {"cli": "cli.main", "simulator": "simulator.__main__"}
"""The module whose `main` is run for `python -m` each of these."""
IMPORTED: Final = (
    *PROGRAMS.values(),
    *("cli.composing.run", "cli.composing.telegram_operations", "cli.composing.up", "cli.operating.migrate"),
    *(f"{name}.service" for name in ("api", "dedup", "executor", "ingest", "notifier", "persister", "simulator")),
)
"""What is imported before a fork; a program imports the rest itself."""


@dataclass(frozen=True, slots=True)
class Start:
    """A command line with what it is started in."""

    program: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    directory: Path
    stdout: Connection
    stderr: Connection


def run(start: Start) -> None:
    """Run the program, as `python -m` would."""
    os.dup2(start.stdout.fileno(), 1)
    os.dup2(start.stderr.fileno(), 2)
    start.stdout.close()
    start.stderr.close()
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - open until the process ends
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(start.environment)
    os.chdir(start.directory)
    sys.argv = [start.program, *start.arguments]
    try:
        if start.program in PROGRAMS:
            sys.exit(importlib.import_module(PROGRAMS[start.program]).main())
        runpy.run_module(start.program, run_name="__main__", alter_sys=True)
    finally:
        atexit._run_exitfuncs()  # A process of multiprocessing ends without.
