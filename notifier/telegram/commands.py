"""Decide what a message asks for, and whether it may. Pure but for the operations it is handed."""

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
    """What commands are carried out by: the same functions that the API and the command line use."""

    async def status(self) -> str:
        """Return the state of everything in a few lines."""

    async def positions(self) -> str:
        """Return what is held, a line each."""

    async def halt(self, by: str) -> str:
        """Halt purchases, for *by*; return what is so now."""

    async def close(self, symbol: str, by: str) -> str:
        """Ask for what is held of *symbol* to be sold, for *by*; raise SniperError where nothing is."""


@dataclass(frozen=True, slots=True)
class _Asked:
    symbol: str
    code: str
    until: float


class Commands:
    """One operator's conversation at a time for each user; *make_code* returns a few digits nobody can guess."""

    def __init__(self, operations: Operations, make_code: Callable[[], str], clock: Callable[[], float]) -> None:
        self._operations = operations
        self._make_code = make_code
        self._clock = clock
        self._asked: dict[int, _Asked] = {}

    async def answer(self, user: int, text: str) -> str:
        """Carry out *text* for *user*, who may send commands, and return the answer."""
        name, *words = text.split()
        command, by = name.partition("@")[0].lower(), f"telegram:{user}"
        try:
            match command, words:
                case "/close", [symbol]:
                    return self._ask(user, symbol.upper())
                case "/close", [symbol, code]:
                    return await self._close(user, symbol.upper(), code, by)
                case _:
                    return await self._plain(command, by)
        except SniperError as error:
            return str(error)

    async def _plain(self, command: str, by: str) -> str:
        match command:
            case "/status":
                return await self._operations.status()
            case "/positions":
                return await self._operations.positions()
            case "/halt":
                return await self._operations.halt(by)
            case _:
                return HELP

    def _ask(self, user: int, symbol: str) -> str:
        code = self._make_code()
        self._asked[user] = _Asked(symbol, code, self._clock() + CODE_SECONDS)
        return f"To sell what is held of {symbol}, send within {CODE_SECONDS:.0f} s: /close {symbol} {code}"

    async def _close(self, user: int, symbol: str, code: str, by: str) -> str:
        """Every code is good for one attempt."""
        asked = self._asked.pop(user, None)
        is_meant = asked is not None and asked.symbol == symbol and self._clock() <= asked.until
        if asked is None or not is_meant or not hmac.compare_digest(asked.code.encode(), code.encode()):
            return f"That is not the code, or it is too old: nothing was sold. Send /close {symbol} for another."
        return await self._operations.close(symbol, by)
