"""Checks of the machine: free disk space, and the data directory."""

import os
import shutil
from pathlib import Path
from typing import Final

from cli.doctor.finding import Finding, not_examined, note, setting, well, wrong
from shared.errors import SettingsError
from shared.settings import DatabaseSettings, DataSettings, load

DATA: Final = "data directory"
DISK: Final = "disk"
FREE_BYTES_MIN: Final = 1024**3
FREE_PART_MIN: Final = 0.05
_GIB: Final = 1024**3


def check() -> list[Finding]:
    """Return the findings on the data directory and its disk."""
    try:
        directory = load(DataSettings).data_dir
    except SettingsError as error:
        return [setting(DATA, str(error)), *not_examined((DISK,), "the settings are wrong")]
    existing = next((each for each in (directory, *directory.absolute().parents) if each.is_dir()), Path("/"))
    usage = shutil.disk_usage(existing)
    return [judge_directory(directory, existing, is_needed=keeps_data()), judge_disk(usage.total, usage.free)]


def keeps_data() -> bool:
    """Return whether the PostgreSQL of our own is used, which keeps its data in the data directory."""
    try:
        return load(DatabaseSettings).url is None
    except SettingsError:  # A finding on the database.
        return False


def judge_directory(directory: Path, existing: Path, *, is_needed: bool) -> Finding:
    """Return the finding on the data directory, of which *existing* is the deepest existing part."""
    advice = "give it to the user that runs us (chown), or name another in SNIPER_DATA_DIR"
    if directory.exists() and not directory.is_dir():
        return wrong(DATA, f"{directory} is no directory", "name another in SNIPER_DATA_DIR")
    if not os.access(existing, os.W_OK | os.X_OK):
        what = directory if existing == directory else f"{existing}, where {directory} would be made,"
        if not is_needed:
            return note(DATA, f"{what} cannot be written to: only the simulator of `sniper up` keeps its state there")
        return wrong(DATA, f"{what} cannot be written to", advice)
    return well(DATA, f"{directory}" if directory.is_dir() else f"{directory}, made at the first start")


def judge_disk(total_bytes: int, free_bytes: int) -> Finding:
    """Return the finding on the free space of the data directory's disk."""
    told = f"{free_bytes / _GIB:.1f} of {total_bytes / _GIB:.1f} GiB free"
    if free_bytes < max(FREE_BYTES_MIN, FREE_PART_MIN * total_bytes):
        return wrong(DISK, told, "make room: `sniper archive` moves old listings and trades to compressed files")
    return well(DISK, told)
