"""`sniper positions` and `sniper close`: what is held, and the wish to hold it no longer."""

import json

from rich.console import Console

from api import close_requests, queries, trade_config
from api.filters import PositionsFilter
from api.schemas import PositionRow
from cli import operate, orders
from shared.events import Mode

NEWEST_MAX = 100


async def show(*, closed: bool, as_json: bool) -> None:
    """Print open positions, or the newest of all."""
    async with operate.database() as database:
        if closed:
            found = (await queries.newest_positions(database, PositionsFilter(limit=NEWEST_MAX))).items
        else:
            found = await queries.held_positions(database)
    if as_json:
        print(json.dumps([each.model_dump(mode="json") for each in found], indent=2))
    else:
        Console().print(orders.positions(found, title="Positions" if closed else "Open positions"))


async def close(what: str, mode: Mode | None) -> None:
    """Ask the executor to sell what is held of *what*."""
    async with operate.database() as database:
        try:
            held = await close_requests.request(database, what, mode, requested_by=operate.operator())
        except close_requests.NoSuchPositionError as error:
            raise operate.refused(error) from None
        config = await trade_config.read(database)
    lines = [_line(position) for position in held]
    if config.exits_halted:
        lines.append("sales are halted: it is sold after `sniper resume`")
    Console(soft_wrap=True).print("\n".join(lines), markup=False, highlight=False)


def _line(position: PositionRow) -> str:
    name = f"{position.listing_key} ({position.mode})"
    if position.close_requested_at is None:
        return f"{name}: the executor is asked to sell it"
    return f"{name}: the executor has been asked to sell it since {position.close_requested_at:%Y-%m-%d %H:%M:%S} UTC"
