"""Story of a symbol's listings: sightings, stages, decisions, trades and prices of each occurrence."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Context, Decimal
from typing import Any, Final, NamedTuple

from api.error_handlers import ApiError
from api.reading import health
from api.reading.decisions import decisions_of
from api.reading.lists.pages import models_of
from api.reading.lists.tables import LISTINGS, POSITIONS, TRADES, PageTable
from api.reading.reader import Reader, Row
from api.reading.statistics import results
from api.schemas import ListingRow, ListingStory, Occurrence, PositionRow, PriceMark, Sighting, Stage, TradeRow
from shared.events import Side, TradeStatus, utc_now

OCCURRENCES_MAX: Final = 50
_HUNDRED: Final = Decimal(100)
_DIGITS: Final = Context(prec=8)


def _of_symbol(table: PageTable, *, descending: bool) -> str:
    selected = ", ".join(f"{sql} AS {name}" for name, sql in table.columns.items())
    order = "DESC" if descending else "ASC"
    return f"""
        SELECT {selected} FROM {table.tables} WHERE {table.filters["symbol"]} = $1
        ORDER BY {table.at} {order}, {table.id} {order} LIMIT $2
    """  # noqa: S608 - constant names only


ALL_OF_SYMBOL: Final = _of_symbol(LISTINGS, descending=True)
TRADES_OF_SYMBOL: Final = _of_symbol(TRADES, descending=False)
POSITIONS_OF_SYMBOL: Final = _of_symbol(POSITIONS, descending=False)
ROWS_MAX: Final = 1_000
CLAIMS: Final = """
    SELECT listing_key, opens_at, listing ->> 'price' AS price,
        (listing ->> 'published_at')::timestamptz AS published_at,
        (listing ->> 'deduplicated_at')::timestamptz AS deduplicated_at
    FROM listing_claims WHERE listing_key = ANY($1)
"""
FIRST_WORDS: Final = """
    SELECT listing_key, source, min(lag_ms) AS lag_ms
    FROM listing_observations WHERE listing_key = ANY($1) GROUP BY listing_key, source
"""


class _ExecutorFacts(NamedTuple):
    """Facts from the executor's health report."""

    limits: Row
    worth: Mapping[str, Decimal]
    """Current worth of held positions, by listing key and mode, net of the fee."""


async def read(reader: Reader, symbol: str) -> ListingStory:
    """Return every occurrence of *symbol*; raises ApiError if there is none, TransientError."""
    rows = await reader.fetch(ALL_OF_SYMBOL, symbol, OCCURRENCES_MAX)
    if not rows:
        raise ApiError(404, "not_found", f"no listing of {symbol} is recorded")
    listings = models_of(LISTINGS, rows, ListingRow)
    keys = [each.listing_key for each in listings if each.listing_key]
    claims = {row["listing_key"]: row for row in await reader.fetch(CLAIMS, keys)}
    sightings = await reader.fetch(FIRST_WORDS, keys)
    trades = models_of(TRADES, await reader.fetch(TRADES_OF_SYMBOL, symbol, ROWS_MAX), TradeRow)
    positions = models_of(POSITIONS, await reader.fetch(POSITIONS_OF_SYMBOL, symbol, ROWS_MAX), PositionRow)
    now = utc_now()
    components = [health.component_of(row, now) for row in await reader.fetch(health.COMPONENTS)]
    limits = health.fact(components, "executor", "limits")
    facts = _ExecutorFacts(limits if isinstance(limits, dict) else {}, results.reported_worth(components))
    occurrences = [
        _occurrence(
            listing,
            claims.get(listing.listing_key or ""),
            [row for row in sightings if row["listing_key"] == listing.listing_key],
            [trade for trade in trades if trade.listing_key == listing.listing_key],
            [position for position in positions if position.listing_key == listing.listing_key],
            facts,
        )
        for listing in listings
    ]
    return ListingStory(symbol=symbol, occurrences=occurrences)


def _occurrence(
    listing: ListingRow,
    claim: Row | None,
    sightings: Sequence[Row],
    trades: list[TradeRow],
    positions: list[PositionRow],
    facts: _ExecutorFacts,
) -> Occurrence:
    return Occurrence(
        listing=listing,
        opens_at=listing.opens_at if claim is None else claim["opens_at"],
        seen=_seen(listing, sightings),
        stages=list(stages_of(listing, claim, trades)),
        decisions=decisions_of(trades, facts.limits),
        trades=trades,
        positions=positions,
        prices=list(price_marks(claim, trades, positions, facts.worth)),
    )


def _seen(listing: ListingRow, sightings: Iterable[Row]) -> list[Sighting]:
    """Return the first sighting of each source, the earliest first."""
    others = (Sighting(source=row["source"], lag_ms=row["lag_ms"]) for row in sightings)
    claimed = Sighting(source=listing.source, lag_ms=0)
    found = [claimed, *(each for each in others if each.source is not listing.source)]
    return sorted(found, key=lambda sighting: sighting.lag_ms)


def stages_of(listing: ListingRow, claim: Row | None, trades: Iterable[TradeRow]) -> Iterator[Stage]:
    """Yield each known stage of a listing and its purchases, in order."""
    observed_at = listing.observed_at or listing.created_at

    def stage(name: str, at: datetime, mode: Any = None) -> Stage:
        return Stage(name=name, mode=mode, at=at, after_ms=round((at - observed_at).total_seconds() * 1000, 3))

    yield stage("observed", observed_at)
    for name in ("published", "deduplicated"):
        if claim is not None and claim[f"{name}_at"] is not None:
            yield stage(name, claim[f"{name}_at"])
    yield stage("stored", listing.created_at)
    for trade in trades:
        if trade.side is Side.BUY:
            for name in ("due", "decided", "answered"):
                at = (trade.stages or {}).get(f"{name}_at")
                if isinstance(at, str):
                    yield stage(name, datetime.fromisoformat(at), trade.mode)


def price_marks(
    claim: Row | None, trades: Iterable[TradeRow], positions: Iterable[PositionRow], worth: Mapping[str, Decimal]
) -> Iterator[PriceMark]:
    """Yield the known prices of the coin since its listing; the current one follows from the position's worth."""
    listed = Decimal(claim["price"]) if claim is not None and claim["price"] is not None else None

    def mark(name: Any, mode: Any, price: Decimal) -> PriceMark:
        change = None if not listed else ((price / listed - 1) * _HUNDRED).quantize(Decimal("0.01"))
        return PriceMark(name=name, mode=mode, price=price, change_pct=change)

    if listed is not None:
        yield mark("listed", None, listed)
    for position in positions:
        yield mark("paid", position.mode, position.average_price)
        yield mark("peak", position.mode, position.peak_price)
        brings = worth.get(f"{position.listing_key} {position.mode}")
        if brings is not None and position.base_qty > 0:
            # Limited digits: the price follows from an amount in cents.
            yield mark("now", position.mode, _DIGITS.plus(brings / position.base_qty))
    for trade in trades:
        if trade.side is Side.SELL and trade.status is TradeStatus.FILLED and trade.average_price is not None:
            yield mark("sold", trade.mode, trade.average_price)
