"""Programs for Node with their packages, installed from a lock file into a cache outside the tree."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

_CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mexc-listing-sniper-tests"
_INSTALL_SECONDS: Final = 300
_KEPT: Final = ("package.json", "package-lock.json")


class NodeMissingError(Exception):
    """There is no Node; the message says what to do."""


def installed(program: Path) -> Path:
    """Return a folder with *program*, the packages that its lock file names beside it.

    Raises:
        NodeMissingError: where there is no Node, or no npm.
        subprocess.CalledProcessError: where npm cannot install them.
    """
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise NodeMissingError("The tests need Node 18 or newer with npm: install Debian's packages nodejs and npm.")
    lock = program / "package-lock.json"
    folder = _CACHE / f"node-{hashlib.sha256(lock.read_bytes()).hexdigest()[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not (folder / "installed").exists():
            for name in _KEPT:
                shutil.copy(program / name, folder)
            _install(folder)
            (folder / "installed").touch()
        for file in program.glob("*.mjs"):
            shutil.copy(file, folder)
    return folder


def _install(folder: Path) -> None:
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(command, cwd=folder, check=True, timeout=_INSTALL_SECONDS, capture_output=True)
