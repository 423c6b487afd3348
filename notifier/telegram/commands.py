"""Commands of users, and their permission. Pure but for the injected operations."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from shared.errors import SniperError

CODE_SECONDS: Final = 60.0
HELP: Final = """/status: health, mode, exposure and halts
/positions: what is held
/halt: halt purchases; exits still run
/close SYMBOL: sell it, after a code to repeat
To resume, arm or change limits, use the dashboard or the command line."""


class Operations(Protocol):
    """Operations behind the commands, shared with the API and the command line."""

    async def status(self) -> str:
        """Return the status of all components in a few lines."""

    async def positions(self) -> str:
        """Return open positions, one per line."""

    async def halt(self, by: str) -> str:
        """Halt purchases on behalf of *by*; return the resulting state."""

    async def close(self, symbol: str, by: str) -> str:
        """Request the sale of *symbol* on behalf of *by*; raise SniperError where nothing is held."""


@dataclass(frozen=True, slots=True)
class _PendingClose:
    symbol: str
    code: str
    until: float


class Commands:
    """Commands of each user. *make_code* returns an unpredictable code of a few digits."""

    def __init__(self, operations: Operations, make_code: Callable[[], str], clock: Callable[[], float]) -> None:
        self._operations = operations
        self._make_code = make_code
        self._clock = clock
        self._pending: dict[int, _PendingClose] = {}

    async def answer(self, user: int, text: str) -> str:
        """Execute *text* for *user*, who is allowed to send commands; return the answer."""
        name, *words = text.split()
        command, by = name.partition("@")[0].lower(), f"telegram:{user}"
        try:
            match command, words:
                case "/status", _:
                    return await self._operations.status()
                case "/positions", _:
                    return await self._operations.positions()
                case "/halt", _:
                    return await self._operations.halt(by)
                case "/close", [symbol, *code] if len(code) <= 1:
                    return await self._close(user, symbol.upper(), "".join(code), by)
                case _:
                    return HELP
        except SniperError as error:
            return str(error)

    async def _close(self, user: int, symbol: str, code: str, by: str) -> str:
        """Sell after a correct *code*, which is valid for one attempt; without one, request it."""
        if not code:
            code = self._make_code()
            self._pending[user] = _PendingClose(symbol, code, self._clock() + CODE_SECONDS)
            return f"To sell what is held of {symbol}, send within {CODE_SECONDS:.0f} s: /close {symbol} {code}"
        pending = self._pending.pop(user, None)
        is_meant = pending is not None and pending.symbol == symbol and self._clock() <= pending.until
        if pending is None or not is_meant or not hmac.compare_digest(pending.code.encode(), code.encode()):
            return f"That is not the code, or it is too old: nothing was sold. Send /close {symbol} for another."
        return await self._operations.close(symbol, by)
