"""Results: realised by ended positions, and unrealised of held ones."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Final

import structlog
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from api.reading import health
from api.reading.reader import Reader, Row
from api.reading.statistics.all_time import FRESH_DAYS, AllTime
from api.reading.statistics.ended_positions import ENDED
from api.schemas import ComponentHealth, DayResult, ModeResults, Result, Results
from shared.errors import in_a_line, readable
from shared.events import HealthStatus, Mode, utc_now
from shared.states import HELD as POSITIONS_HELD
from shared.states import in_sql

log = structlog.get_logger(__name__)

DAYS_MAX: Final = 366
_NOTHING: Final = Decimal("0.00")

BY_MODE: Final = f"""
    SELECT mode, count(*) AS closed, round(sum(result), 2) AS realised FROM ({ENDED}) AS ended GROUP BY mode
"""  # noqa: S608 - constants
BY_DAY: Final = f"""
    SELECT
        mode, (closed_at AT TIME ZONE 'UTC')::date AS day,
        count(*) AS closed, count(*) FILTER (WHERE result > 0) AS won,
        round(sum(result), 2) AS realised, sum(result) AS exact
    FROM ({ENDED}) AS ended GROUP BY 1, 2
"""  # noqa: S608 - constants
HELD: Final = f"""
    SELECT listing_key, mode, cost_usdt FROM positions
    WHERE state IN {in_sql(POSITIONS_HELD)}
"""  # noqa: S608 - constants


class Days(BaseModel):
    """Length of a series, today included."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    days: Annotated[int, Field(ge=1, le=DAYS_MAX)] = 30


async def window_results(
    reader: Reader, components: Sequence[ComponentHealth], since: datetime
) -> Mapping[Mode, Result]:
    """Return realised results from *since* on and unrealised ones, by mode; raises TransientError."""
    ended = {Mode(row["mode"]): row for row in await reader.fetch(BY_MODE, since)}
    held, worth = await reader.fetch(HELD), reported_worth(components)
    return {mode: _result(ended.get(mode), [row for row in held if row["mode"] == mode], worth) for mode in Mode}


async def daily_results(reader: Reader, all_time: AllTime, wanted: Days) -> Results:
    """Return the daily series of each mode, and its all-time total; raises TransientError."""
    until = utc_now().date()
    since, fresh = until - timedelta(days=wanted.days - 1), until - timedelta(days=FRESH_DAYS)
    before = await all_time.before(fresh)
    rows = await reader.fetch(BY_DAY, datetime.combine(min(since, fresh), time(), UTC))
    modes = []
    for mode in Mode:
        of_mode = {row["day"]: row for row in rows if row["mode"] == mode}
        ever = sum((row["exact"] for day, row in of_mode.items() if day >= fresh), before[mode])
        days = list(daily(of_mode, since, until))
        all_time_usdt = ever.quantize(_NOTHING, ROUND_HALF_UP)  # As the database rounds.
        modes.append(
            ModeResults(mode=mode, total_usdt=days[-1].cumulative_usdt, all_time_usdt=all_time_usdt, days=days)
        )
    return Results(since=since, until=until, modes=modes)


def reported_worth(components: Sequence[ComponentHealth]) -> Mapping[str, Decimal]:
    """Return the current worth of each position, by listing key and mode; nothing while exits are not monitored."""
    watching = any(each.component_name == "exits" and each.status is not HealthStatus.ERROR for each in components)
    reported = health.fact(components, "exits", "worth_usdt")
    if not watching or not isinstance(reported, dict):
        return {}

    def unreadable(reported: tuple[str, JsonValue], error: Exception) -> None:
        log.info("what a position would bring cannot be read", position=reported[0], reason=in_a_line(error))

    return dict(readable(reported.items(), _worth, failed=unreadable))


def _worth(reported: tuple[str, JsonValue]) -> tuple[str, Decimal]:
    name, worth = reported[0], Decimal(str(reported[1]))
    if not worth.is_finite():
        raise ValueError("no amount")
    return name, worth


def reported_at(components: Sequence[ComponentHealth]) -> datetime | None:
    """Return the time of the last report on the positions' worth."""
    return next((each.updated_at for each in components if each.component_name == "exits"), None)


def name_of(position: Row) -> str:
    """Return the executor's name of a position."""
    return f"{position['listing_key']} {position['mode']}"


def _result(ended: Row | None, held: Sequence[Row], worth: Mapping[str, Decimal]) -> Result:
    known = [worth[name_of(row)] - row["cost_usdt"] for row in held if name_of(row) in worth]
    return Result(
        realised_usdt=_NOTHING if ended is None else ended["realised"],
        closed=0 if ended is None else ended["closed"],
        unrealised_usdt=sum(known, _NOTHING) if len(known) == len(held) else None,
        open=len(held),
    )


def daily(by_day: Mapping[date, Row], since: date, until: date) -> Iterator[DayResult]:
    """Yield the result of each day from *since* to *until*, days without ended positions included."""
    cumulative, nothing = _NOTHING, {"closed": 0, "won": 0, "realised": _NOTHING}
    for number in range((until - since).days + 1):
        day = since + timedelta(days=number)
        row = by_day.get(day, nothing)
        cumulative += row["realised"]
        yield DayResult(
            day=day,
            closed=row["closed"],
            won=row["won"],
            realised_usdt=row["realised"],
            cumulative_usdt=cumulative,
        )
