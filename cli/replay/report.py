"""Replay a recording, and print the decisions of then and now side by side."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from rich.console import Console

from api.operator import trade_config
from api.operator.operator_changes import RefusedChangeError
from cli import command_runner
from cli.display import tables
from cli.operating.config import parse_value
from cli.process import ProcessSettings
from cli.replay import event_source, recording
from cli.replay.player import replay
from cli.replay.recording import Recording, Span
from cli.replay.sandbox import broker_settings, database_settings, require_not_live, sandbox
from shared.errors import SettingsError
from shared.postgres.database import Database
from shared.process import redaction
from shared.process.telemetry import configure_logging
from shared.settings import BrokerSettings, DatabaseSettings, ExchangeSettings, Settings, load

ARCHIVE: Final = "archive"
NOTHING: Final = "–"


@dataclass(frozen=True, slots=True)
class ReplayRequest:
    """Options of a replay."""

    where: str
    """`archive`, or a file."""
    span: Span
    speed: float
    limits: Sequence[str]
    """KEY=VALUE of the configuration."""
    database_url: str | None
    broker_url: str | None
    save: Path | None


def parse_time(option: str, text: str | None) -> datetime | None:
    """Parse a time in ISO 8601; raise SettingsError if it is invalid or lacks its offset."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise SettingsError(f"{option}: is a time in ISO 8601 with its offset, like 2026-03-02T12:00:00Z")
    return at


async def run(request: ReplayRequest, *, as_json: bool) -> None:
    """Replay as requested, and print the decisions."""
    require_not_live(request.database_url, request.broker_url)
    # Warnings only, to standard error and without secrets: only decisions are printed.
    known: list[Settings] = [load(DatabaseSettings), load(BrokerSettings), load(ExchangeSettings)]
    known += [database_settings(request.database_url), broker_settings(request.broker_url)]
    configure_logging(ProcessSettings.load().quiet().telemetry, redaction.values_of(known))
    since = request.span.since
    from_archive = request.where == ARCHIVE
    bodies = await event_source.archived_events(since) if from_archive else recording.read(Path(request.where))
    if request.save is not None:
        recording.save(request.save, bodies)
    found = recording.recording_of(bodies, request.span)
    if not found.raws:
        raise SettingsError(f"--from: {request.where} holds no sighting of a listing in that time")
    async with sandbox(request.database_url, request.broker_url) as runtime:
        await configure(runtime.database, request.limits)
        now = await replay(runtime, found.raws, speed=request.speed)
    _print(found, now, as_json=as_json)


async def configure(database: Database, limits: Sequence[str]) -> None:
    """Set KEY=VALUE *limits* of the configuration; raise SettingsError for an invalid one."""
    changes: dict[str, object] = {}
    for assignment in limits:
        key, separator, value = assignment.partition("=")
        if not separator:
            raise SettingsError(f"--set: {assignment} is not KEY=VALUE")
        changes[key] = parse_value(key, value)
    if not changes:
        return
    try:
        await trade_config.change(database, changes, changed_by="replay")
    except RefusedChangeError as error:
        raise command_runner.usage_error(error) from None


def _print(found: Recording, now: Mapping[str, str], *, as_json: bool) -> None:
    rows = [(key, found.then.get(key, NOTHING), told) for key, told in now.items()]
    console = Console(soft_wrap=True, highlight=False)
    if as_json:
        for key, then, told in rows:
            line = {"listing_key": key, "then": None if then == NOTHING else then, "now": told}
            console.print(json.dumps({**line, "same": then == told}), markup=False)
        return
    changed = sum(then != told for _, then, told in rows)
    tables.show(tables.table("Decisions", ("listing", "then", "now"), rows))
    console.print(f"{len(found.raws)} sightings, {len(rows)} listings, {changed} decided otherwise", markup=False)
