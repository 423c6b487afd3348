"""`sniper positions` with its `exits` and `write-off`, and `sniper close`: show, change, give up and sell positions."""

import json
from collections.abc import Iterable, Sequence

from rich.console import Console

from api import close_requests, held_positions, position_exits, queries, trade_config, write_offs
from api.controls import RefusedChangeError
from api.filters import PositionsFilter
from api.held_positions import NoSuchPositionError
from api.position_exits import Wanted
from cli import operate, orders
from cli.config import typed
from shared.errors import SettingsError
from shared.events import Mode

NEWEST_MAX = 100
FOLLOW = "config"


async def show(*, closed: bool, as_json: bool) -> None:
    """Print open positions, or the newest of all."""
    async with operate.database() as database:
        if closed:
            found = (await queries.newest_positions(database, PositionsFilter(limit=NEWEST_MAX))).items
        else:
            found = await held_positions.everything(database)
    if as_json:
        print(json.dumps([each.model_dump(mode="json") for each in found], indent=2))
    else:
        Console().print(orders.positions(found, title="Positions" if closed else "Open positions"))


async def close(what: str, mode: Mode | None) -> None:
    """Ask the executor to sell what is held of *what*."""
    async with operate.database() as database:
        try:
            held = await held_positions.of(database, what, mode, sellable=True)
        except NoSuchPositionError as error:
            raise operate.refused(error) from None
        config = await trade_config.read(database)
        await close_requests.request(database, held, requested_by=operate.operator())
    _print(close_requests.told(position, config) for position in held)


async def write_off(what: str, mode: Mode, reason: str) -> None:
    """Have the executor book the position of *what* as lost."""
    async with operate.database() as database:
        try:
            held = await held_positions.of(database, what, mode, sellable=False)
        except NoSuchPositionError as error:
            raise operate.refused(error) from None
        await write_offs.request(database, held, reason=reason, requested_by=operate.operator())
    _print(map(write_offs.told, held))


async def exits(what: str, mode: Mode | None, assignments: Sequence[str]) -> None:
    """Give what is held of *what* exits of its own, and print when it is sold."""
    wanted = wanted_of(assignments)
    async with operate.database() as database:
        try:
            held = await held_positions.of(database, what, mode, sellable=False)
            changed = [
                await position_exits.change(database, position, wanted, changed_by=operate.operator())
                for position in held
            ]
        except (NoSuchPositionError, RefusedChangeError) as error:
            raise operate.refused(error) from None
    _print(position_exits.told(position, after) for position, after in zip(held, changed, strict=True))


def wanted_of(assignments: Sequence[str]) -> Wanted:
    """Return what KEY=VALUE pairs ask for; the value ``config`` lets a field follow the configuration again."""
    own, follow = dict[str, object](), list[str]()
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not equals:
            raise SettingsError(f"{assignment}: say KEY=VALUE, like stop_loss_pct=10")
        if value == FOLLOW:
            follow.append(key)
        else:
            own[key] = typed(key, value)
    return Wanted(own, follow)


def _print(lines: Iterable[str]) -> None:
    Console(soft_wrap=True).print("\n".join(lines), markup=False, highlight=False)
