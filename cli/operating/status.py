"""`sniper status`: health, trading, limits, positions and the latest events on one screen."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from pydantic import BaseModel, ConfigDict
from rich.console import Console, Group
from rich.text import Text

from api import queries
from api.operator import held_positions
from api.reading import status as statuses
from api.reading.lists.filters import ListingsFilter, TradesFilter
from api.reading.reader import Reader
from api.schemas import (
    AlsoSeen,
    ExposureStatus,
    Gate,
    Health,
    ListingRow,
    OrderRow,
    PositionRow,
    TradeConfig,
    TradeRow,
    Trading,
)
from cli import command_runner
from cli.display import money_tables, tables
from cli.operating import config as configuration
from shared.events import HealthStatus, Source
from shared.postgres.database import Database

LATEST: Final = 5


class Status(BaseModel):
    """The contents of `sniper status`."""

    model_config = ConfigDict(frozen=True)

    health: Health
    trading: Trading
    gates: list[Gate]
    """Conditions of live trading; closed gates have a reason."""
    config: TradeConfig
    exposure: list[ExposureStatus]
    open_orders: list[OrderRow]
    open_positions: list[PositionRow]
    listings_24h_by_source: dict[str, int]
    latest_listings: list[ListingRow]
    also_seen: list[AlsoSeen]
    """Other sources of the latest listings, and their lags behind the first."""
    latest_trades: list[TradeRow]


async def show(*, as_json: bool) -> None:
    """Print the status."""
    async with command_runner.database() as database:
        found = await gather(database)
    if as_json:
        Console(soft_wrap=True).print(found.model_dump_json(indent=2), markup=False, highlight=False)
    else:
        tables.show(render(found))


async def gather(database: Database) -> Status:
    """Query the database for all of it."""
    latest = (await queries.newest_listings(database, ListingsFilter(limit=LATEST))).items
    status, health = await statuses.read(database, Reader(database))
    return Status(
        health=health,
        trading=status.trading,
        gates=status.gates,
        config=status.config,
        exposure=status.exposure,
        open_orders=await queries.open_orders(database),
        open_positions=await held_positions.all_held(database),
        listings_24h_by_source=await queries.listings_by_source(database),
        latest_listings=latest,
        also_seen=await queries.also_seen(database, [each.listing_key for each in latest if each.listing_key]),
        latest_trades=(await queries.newest_trades(database, TradesFilter(limit=LATEST))).items,
    )


def render(status: Status) -> Group:
    """Return the status as tables."""
    gates = [f"{each.name:<12} {'open' if each.open else f'closed: {each.reason}'}" for each in status.gates]
    counts = [f"{source:<18} {count}" for source, count in status.listings_24h_by_source.items()]
    return Group(
        components_table(status.health),
        *_alarms(status),
        tables.section(f"Trading: {status.trading}", "\n".join(gates)),
        tables.section("Limits", "\n".join(configuration.limit_lines(status.config))),
        money_tables.exposure_table(status.exposure),
        *([money_tables.open_orders_table(status.open_orders)] if status.open_orders else []),
        *([money_tables.positions_table(status.open_positions)] if status.open_positions else []),
        tables.section("Listings in 24 h", "\n".join(counts) or "none"),
        listings_table(status.latest_listings, status.also_seen),
        trades_table(status.latest_trades),
    )


def _alarms(status: Status) -> Iterator[Text]:
    if status.config.halts:
        yield tables.section("Halted", "\n".join(configuration.halt_lines(status.config)), style="red")
    watching = {each.component_name: each for each in status.health.components}.get("exits")
    is_heard = watching is not None and watching.status not in {HealthStatus.STOPPED, HealthStatus.ERROR}
    if status.open_positions and status.health.gap and not is_heard:
        yield tables.section("It is not known whether open positions are watched", status.health.gap, style="red")
    elif status.open_positions and (watching is None or watching.status is not HealthStatus.RUNNING):
        why = "nobody is there to sell them" if watching is None else f"{watching.status}: {watching.detail}"
        yield tables.section("Open positions are not watched", why, style="red")


def components_table(report: Health) -> tables.WholeTable:
    rows = [
        (each.component_name, each.status, f"{each.age_seconds:.0f} s ago", each.detail) for each in report.components
    ]
    table = tables.table(f"Components: {report.status}", ("component", "status", "heard", "detail"), rows)
    table.row_styles = ["red" if each.status is HealthStatus.ERROR else "" for each in report.components]
    return table


def listings_table(listings: Iterable[ListingRow], others: Sequence[AlsoSeen]) -> tables.WholeTable:
    rows = [
        (f"{each.listed_at:%Y-%m-%d %H:%M:%S}", each.symbol, _short(each.source), _notes(each, others))
        for each in listings
    ]
    return tables.table("Latest listings", ("listed (UTC)", "symbol", "seen by", "and then by"), rows)


def _notes(listing: ListingRow, others: Sequence[AlsoSeen]) -> str:
    lags = [
        f"{_short(other.source)} {other.lag_ms / 1000:+.3f} s"
        for other in others
        if other.listing_key == listing.listing_key and other.source is not listing.source
    ]
    not_traded = [] if listing.tradable else [f"not traded: {listing.not_tradable_reason}"]
    return "; ".join([*lags, *not_traded])


def _short(source: Source) -> str:
    return source.removeprefix("mexc_")


def trades_table(trades: Iterable[TradeRow]) -> tables.WholeTable:
    rows = [
        (
            f"{each.created_at:%m-%d %H:%M:%S}",
            f"{each.side} {each.symbol}" + (f" ({each.exit_reason})" if each.exit_reason else ""),
            f"{each.quote_qty:f}",
            f"{each.mode} {each.status} in {tables.milliseconds(each.ack_latency_ms)}"
            + (f": {each.error_reason}" if each.error_reason else ""),
        )
        for each in trades
    ]
    return tables.table("Latest trades", ("time (UTC)", "trade", "USDT", "outcome"), rows)
