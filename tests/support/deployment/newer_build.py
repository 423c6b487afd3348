"""A build that is newer than ours: its events have a field more."""

import shutil
from pathlib import Path
from typing import Final

from tests.support.running.starting import Starting, executed, forked

ROOT: Final = Path(__file__).parents[3]
PACKAGES: Final = ("api", "cli", "dedup", "executor", "ingest", "migrations", "notifier", "persister", "shared")
LISTED: Final = "    listed_at: "
ADDED: Final = '    added_later: str = "by a newer version"\n'


def make_newer_build(directory: Path) -> Path:
    """Make it in *directory*, from which `sniper` then runs it."""
    for name in PACKAGES:
        shutil.copytree(ROOT / name, directory / name)
    module = directory / "shared" / "events" / "listings.py"
    text = module.read_text(encoding="utf-8")
    assert LISTED in text
    module.write_text(text.replace(LISTED, ADDED + LISTED), encoding="utf-8")
    return directory


def start_of(build: Path) -> Starting:
    """Return how `sniper` of the build in that directory is started: ours, where there is no other, in a fork."""
    return executed if (build / "shared").exists() else forked
