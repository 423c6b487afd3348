"""Overview of a run: positions and their value, openings with their countdown, exposure, health."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

import httpx
from rich.console import Group
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from api import queries
from api.operator import held_positions
from api.reading import status
from api.reading.reader import Reader
from api.schemas import ComponentHealth, OrderRow, PositionRow, TradeConfig
from cli.display import tables
from cli.display.event_lines import SYMBOL_WIDTH, TradeTally
from shared.events import HealthStatus, utc_now
from shared.postgres.database import Database

ROWS_MAX: Final = 8
PRICES_SECONDS_MAX: Final = 2.0
PriceSource = Callable[[Collection[str]], Awaitable[Mapping[str, Decimal]]]
"""Returns the last price of each of these symbols that has one."""


@dataclass(frozen=True, slots=True)
class Overview:
    at: datetime
    held: Sequence[PositionRow]
    prices: Mapping[str, Decimal]
    armed: Sequence[OrderRow]
    """Orders that wait for an opening, soonest first."""
    exposure: Decimal
    exposure_max: Decimal
    unhealthy: Sequence[ComponentHealth]
    halted: str
    """What is halted, in words; empty if nothing is."""

    def result_pct(self, position: PositionRow) -> Decimal | None:
        """Return the gain at the last price, in per cent of the cost; None where no price is known."""
        price = self.prices.get(position.symbol)
        return None if price is None else (price / position.average_price - 1) * 100


async def no_prices(_: Collection[str]) -> Mapping[str, Decimal]:
    """Return no prices: outside the simulator, requests for them use up the rate limit that trading needs."""
    return {}


def simulated_prices(simulator_url: str, client: httpx.AsyncClient) -> PriceSource:
    """Return a source of prices from the simulator's control endpoint, which has no rate limits."""

    async def prices(symbols: Collection[str]) -> Mapping[str, Decimal]:
        if not symbols:
            return {}
        url = f"{simulator_url}/_sim/prices"
        try:
            answer = await client.get(url, params={"symbols": ",".join(symbols)}, timeout=PRICES_SECONDS_MAX)
            return {symbol: Decimal(price) for symbol, price in answer.raise_for_status().json().items()}
        except (httpx.HTTPError, ArithmeticError, ValueError):
            return {}  # Shown without prices until there are some.

    return prices


async def gather(database: Database, prices: PriceSource) -> Overview:
    """Query the database, and *prices* of held symbols; raise TransientError when the database is unavailable."""
    held = await held_positions.all_held(database)
    orders = [each for each in await queries.open_orders(database) if each.state == "armed"]
    found, report = await status.read(database, Reader(database))
    config, exposure = found.config, [each.reserved_usdt + each.filled_usdt for each in found.exposure]
    return Overview(
        at=utc_now(),
        held=held,
        prices=await prices({each.symbol for each in held}),
        armed=sorted(orders, key=lambda each: (each.fire_at is None, each.fire_at or each.decided_at)),
        exposure=max(exposure, default=Decimal(0)),
        exposure_max=config.max_position_usdt,
        unhealthy=[each for each in report.components if each.status is not HealthStatus.RUNNING],
        halted=halted_words(config),
    )


def halted_words(config: TradeConfig) -> str:
    """Return what is halted, in words, with the mode where it is one alone; empty if nothing is."""
    modes = {halt.mode for halt in config.halts} | ({None} if config.halted else set())
    if not modes:
        return ""
    [mode, *others] = modes
    return "trading is halted" if others or mode is None else f"{mode} trading is halted"


def block(overview: Overview, tally: TradeTally) -> Group:
    """Return the overview as a block for the bottom of a terminal."""
    table = Table.grid(padding=(0, 2))
    table.add_column(width=SYMBOL_WIDTH + 7, no_wrap=True)
    for _ in range(4):
        table.add_column(justify="right", no_wrap=True)
    if overview.held:
        table.add_row(*(Text(title, "dim") for title in ("held", "paid", "now", "result", "for")))
    for position in overview.held[:ROWS_MAX]:
        table.add_row(*_position(position, overview))
    if len(overview.held) > ROWS_MAX:
        table.add_row(Text(f"and {len(overview.held) - ROWS_MAX} more", "dim"))
    for order in overview.armed[:ROWS_MAX]:
        name = Text.assemble(("opens  ", "blue"), (order.symbol, "bold"))
        table.add_row(name, "", "", "", Text(_countdown(order, overview)))
    footer = [Text(f"{_exposure(overview)} · {_since_the_start(tally)}", "dim")]
    if overview.halted:
        footer.append(Text(f"{overview.halted}: see `sniper status`", "bold red"))
    footer += [Text(_unhealthy(each), "yellow") for each in overview.unhealthy]
    return Group(Rule(style="dim"), table, *footer)


def summary(overview: Overview, tally: TradeTally) -> Text:
    """Return the overview in one line, for output that is no terminal."""
    held = [f"{each.symbol} {_percent(overview.result_pct(each))}" for each in overview.held[:ROWS_MAX]]
    opening = [f"{each.symbol} opens {_countdown(each, overview)}" for each in overview.armed[:ROWS_MAX]]
    parts = [*(held or ["nothing is held"]), *opening, _exposure(overview), _since_the_start(tally)]
    line = Text.assemble((f"{overview.at:%H:%M:%S}  ", "dim"), ("now      ", "dim"), " · ".join(parts))
    if overview.halted:
        line.append(f" · {overview.halted}", "bold red")
    return line.append("".join(f" · {_unhealthy(each)}" for each in overview.unhealthy), "yellow")


def _position(position: PositionRow, overview: Overview) -> tuple[Text, ...]:
    result, price = overview.result_pct(position), overview.prices.get(position.symbol)
    style = "green" if result is not None and result >= 0 else "yellow"
    return (
        Text.assemble("       ", (position.symbol, "bold")),
        Text(tables.rounded(position.average_price)),
        Text("–" if price is None else tables.rounded(price)),
        Text(_percent(result), style),
        Text(f"{max(0.0, (overview.at - position.opened_at).total_seconds()):.0f} s"),
    )


def _countdown(order: OrderRow, overview: Overview) -> str:
    if order.fire_at is None:
        return "at a time that is not known"
    seconds = (order.fire_at - overview.at).total_seconds()
    return f"in {seconds:.0f} s" if seconds > 0 else "any moment"


def _exposure(overview: Overview) -> str:
    return f"{overview.exposure:,.2f} of {overview.exposure_max:,.0f} USDT at stake"


def _since_the_start(tally: TradeTally) -> str:
    counts = f"{tally.bought} bought, {tally.refused} refused, {tally.sold} sold"
    return f"{counts} for {tables.signed(tally.gain, 2)} USDT" if tally.sold else counts


def _unhealthy(component: ComponentHealth) -> str:
    return f"{component.component_name} {component.status}: {component.detail}"


def _percent(result: Decimal | None) -> str:
    return "–" if result is None else f"{tables.signed(result, 1)} %"
