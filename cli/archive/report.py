"""Commands of the archive, and their printed reports."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from cli import command_runner
from cli.archive import deleting, restoring, writing
from cli.archive.formats import Format
from cli.archive.manifest import TABLES, DayFile
from shared.errors import SettingsError, SniperError
from shared.events import utc_now

_AGE: Final = re.compile(r"(\d{1,5})([dw])")
_DAYS: Final = {"d": 1, "w": 7}
CONFIRMATION: Final = "delete"


@dataclass(frozen=True, slots=True)
class FileCounts:
    """A file, and the counts of its rows by outcome."""

    file: DayFile
    counts: dict[str, int]


def end_of(age: str, now: datetime) -> date:
    """Return the first day (UTC) not older than *age*, like 90d or 12w; raise SettingsError if that is invalid."""
    match = _AGE.fullmatch(age)
    days = int(match[1]) * _DAYS[match[2]] if match else 0
    if days < 1:
        raise SettingsError("--older-than: is a number of days or weeks like 90d or 12w, at least 1d")
    return (now - timedelta(days=days)).date()


async def archive(age: str, directory: Path, format_: Format, *, as_json: bool) -> None:
    """Write every day older than *age*, and print the counts."""
    end = end_of(age, utc_now())
    async with command_runner.database() as database:
        written = await writing.write(database, directory, end, format_)
    reports = [
        FileCounts(each.file, {"written": each.file.rows * each.fresh, "verified": each.file.rows * (not each.fresh)})
        for each in written
    ]
    _print(reports, as_json=as_json, before=end, directory=directory)


async def delete(directory: Path, confirmation: str | None, *, as_json: bool) -> None:
    """Delete archived rows from the database, once that is confirmed."""
    if confirmation != CONFIRMATION:
        raise SettingsError(f'--confirm: must be "{CONFIRMATION}": archived rows leave the database')
    async with command_runner.database() as database:
        done = await deleting.delete(database, directory)
    reports = [
        FileCounts(
            each.file,
            {"deleted": each.deleted, "in use": each.in_use, "changed": each.changed, "moved": each.moved},
        )
        for each in done
    ]
    _print(reports, as_json=as_json, directory=directory)
    if any(each.changed for each in done):
        raise SniperError("some rows are not what the archive holds, and stay: archive again, and then delete")


async def restore(directory: Path, *, as_json: bool) -> None:
    """Restore archived rows that the database lacks."""
    async with command_runner.database() as database:
        done = await restoring.restore(database, directory)
    reports = [
        FileCounts(
            each.file,
            {"restored": each.restored, "there": each.present, "different": each.different, "moved": each.moved},
        )
        for each in done
    ]
    _print(reports, as_json=as_json, directory=directory)
    if any(each.different for each in done):
        raise SniperError("some rows are in the database with other values or under other ids, and stay as they are")


async def verify(directory: Path, *, as_json: bool) -> None:
    """Read every file of the archive against its manifest."""
    with writing.lock_archive(directory):
        found = writing.verify_archive(directory)
    _print([FileCounts(each, {"verified": each.rows}) for each in found.files], as_json=as_json, directory=directory)


def _print(reports: Sequence[FileCounts], *, as_json: bool, directory: Path, before: date | None = None) -> None:
    console = Console(soft_wrap=True, highlight=False)
    if as_json:
        files = [{**each.file.model_dump(mode="json"), **each.counts} for each in reports]
        answer: dict[str, Any] = {"directory": str(directory), "files": files}
        console.print(json.dumps(answer if before is None else {**answer, "before": f"{before}"}), markup=False)
        return
    for table in TABLES:
        console.print(line_of(table, [each for each in reports if each.file.table == table]), markup=False)
    limit = "" if before is None else f", days before {before}"
    console.print(f"in {directory}{limit}; nothing but `sniper archive delete` takes rows away", markup=False)


def line_of(table: str, reports: Sequence[FileCounts]) -> str:
    """Return the counts of one table's files in words."""
    names = list(reports[0].counts) if reports else []
    counts = ", ".join(f"{sum(each.counts[name] for each in reports)} {name}" for name in names)
    size = sum(each.file.bytes for each in reports)
    return f"{table:<9} {len(reports)} days, {size} bytes{f': {counts}' if counts else ''}"
