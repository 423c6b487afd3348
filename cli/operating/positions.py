"""`sniper positions` with `exits` and `write-off`, and `sniper close`: show, change, write off and sell positions."""

import json
from collections.abc import Iterable, Sequence

from rich.console import Console

from api import queries
from api.operator import close_requests, held_positions, position_exits, trade_config, write_offs
from api.operator.held_positions import NoSuchPositionError
from api.operator.operator_changes import RefusedChangeError
from api.operator.position_exits import ExitChange
from api.reading.lists.filters import PositionsFilter
from cli import command_runner
from cli.display import money_tables
from cli.operating.config import parse_value
from shared.errors import SettingsError
from shared.events import Mode

NEWEST_MAX = 100
FOLLOW = "config"


async def show(*, closed: bool, as_json: bool) -> None:
    """Print open positions, or the newest of all."""
    async with command_runner.database() as database:
        if closed:
            found = (await queries.newest_positions(database, PositionsFilter(limit=NEWEST_MAX))).items
        else:
            found = await held_positions.all_held(database)
    if as_json:
        print(json.dumps([each.model_dump(mode="json") for each in found], indent=2))
    else:
        money_tables.show_positions(found, title="Positions" if closed else "Open positions")


async def close(what: str, mode: Mode | None) -> None:
    """Request the sale of the positions of *what*."""
    async with command_runner.database() as database:
        try:
            held = await held_positions.find_held(database, what, mode, sellable=True)
        except NoSuchPositionError as error:
            raise command_runner.usage_error(error) from None
        hindered = await trade_config.sale_obstacles(database)
        await close_requests.request(database, held, requested_by=command_runner.operator_name())
    _print(close_requests.request_message(position, hindered) for position in held)


async def write_off(what: str, mode: Mode, reason: str) -> None:
    """Request the write-off of the position of *what*."""
    async with command_runner.database() as database:
        try:
            held = await held_positions.find_held(database, what, mode, sellable=False)
        except NoSuchPositionError as error:
            raise command_runner.usage_error(error) from None
        await write_offs.request(database, held, reason=reason, requested_by=command_runner.operator_name())
    _print(map(write_offs.request_message, held))


async def exits(what: str, mode: Mode | None, assignments: Sequence[str]) -> None:
    """Give the positions of *what* exits of their own, and print them."""
    wanted = parse_exit_change(assignments)
    async with command_runner.database() as database:
        try:
            held = await held_positions.find_held(database, what, mode, sellable=False)
            changed = [
                await position_exits.change(database, position, wanted, changed_by=command_runner.operator_name())
                for position in held
            ]
        except (NoSuchPositionError, RefusedChangeError) as error:
            raise command_runner.usage_error(error) from None
    _print(position_exits.exits_message(position, after) for position, after in zip(held, changed, strict=True))


def parse_exit_change(assignments: Sequence[str]) -> ExitChange:
    """Parse KEY=VALUE pairs; the value ``config`` lets a field follow the configuration again."""
    own, follow = dict[str, object](), list[str]()
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not equals:
            raise SettingsError(f"{assignment}: say KEY=VALUE, like stop_loss_pct=10")
        if value == FOLLOW:
            follow.append(key)
        else:
            own[key] = parse_value(key, value)
    return ExitChange(own, follow)


def _print(lines: Iterable[str]) -> None:
    Console(soft_wrap=True).print("\n".join(lines), markup=False, highlight=False)
