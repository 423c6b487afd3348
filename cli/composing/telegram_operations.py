"""Operations behind Telegram commands, shared with the API and the command line."""

from api.operator import close_requests, held_positions, trade_config
from api.reading import status as statuses
from api.reading.reader import Reader
from shared.events import HealthStatus
from shared.postgres.database import Database

POSITIONS_MAX = 30
HALTED_BY_TELEGRAM = "halted by Telegram"


class DatabaseOperations:
    """See `notifier.telegram.commands.Operations`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._reader = Reader(database)

    async def status(self) -> str:
        """Return trading, health, exposure and halts in a few lines."""
        status, found = await statuses.read(self._database, self._reader)
        ill = [
            f"{each.component_name} is {each.status}: {each.detail}"
            for each in found.components
            if each.status is not HealthStatus.RUNNING
        ]
        halts = [
            f"halted{f' ({each.mode} alone)' if each.mode else ''}: {each.cause}: {each.reason}"
            for each in status.config.halts
        ]
        exposure = [
            f"{each.mode}: {each.reserved_usdt + each.filled_usdt:f} of {each.limit_usdt:f} USDT at stake"
            for each in status.exposure
        ]
        return "\n".join([f"trading: {status.trading}", f"health: {found.status}", *ill, *halts, *exposure])

    async def positions(self) -> str:
        """Return the held positions, one line each."""
        held = await held_positions.all_held(self._database)
        lines = [
            f"{each.symbol} ({each.mode}, {each.state}): {each.base_qty:f} for {each.cost_usdt:f} USDT"
            for each in held[:POSITIONS_MAX]
        ]
        if len(held) > POSITIONS_MAX:
            lines.append(f"and {len(held) - POSITIONS_MAX} more")
        return "\n".join(lines) or "nothing is held"

    async def halt(self, by: str) -> str:
        """Halt purchases."""
        config = await trade_config.halt(self._database, HALTED_BY_TELEGRAM, changed_by=by)
        exits = "sales are halted, too" if config.exits_halted else "exits still run"
        return f"purchases are halted; {exits}. Resume by the dashboard or `sniper resume`"

    async def close(self, symbol: str, by: str) -> str:
        """Request the sale of all positions of *symbol*; raise NoSuchPositionError if there is none."""
        held = await held_positions.find_held(self._database, symbol, None, sellable=True)
        hindered = await trade_config.sale_obstacles(self._database)
        await close_requests.request(self._database, held, requested_by=by)
        return "\n".join(close_requests.request_message(each, hindered) for each in held)
