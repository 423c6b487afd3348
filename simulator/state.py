"""The state that outlives a process: symbols, orders and balances as rows. Prices follow from them and the clock."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from simulator.changes import ONLY, Kind
from simulator.market.book import Eaten, Side
from simulator.market.market import Market
from simulator.market.orders import Order
from simulator.market.wallet import Arrival, Balance
from simulator.state_file import StateFile, UnreadableError, open_state, set_aside
from simulator.symbols.catalogue import Gone
from simulator.symbols.instrument import Instrument
from simulator.symbols.symbol_generator import Universe

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Remembered:
    """The state of an earlier run, as it was last saved."""

    universe: Universe
    symbols: list[Instrument]
    """Those that differ from what the universe starts with."""
    gone: list[Gone]
    orders: list[Order]
    balances: dict[str, Balance]
    arrivals: list[Arrival]
    eaten: dict[tuple[str, Side], Eaten]


def remembered(path: Path, say: Callable[[str], None]) -> tuple[StateFile, Remembered | None]:
    """Open the file at *path* and read it; None where nothing was ever saved.

    A file that cannot be read is kept under another name, of which *say* is told. Raises StateError.
    """
    try:
        return _opened(path)
    except UnreadableError as error:
        kept = set_aside(path)
        say(f"{error}; it is kept as {kept}, and the exchange starts afresh")
        return _opened(path)


def _opened(path: Path) -> tuple[StateFile, Remembered | None]:
    file = open_state(path)
    try:
        return file, _read(file)
    except (msgspec.DecodeError, ValueError, LookupError) as error:
        file.close()
        raise UnreadableError(f"{path}: is broken ({error})") from None
    except BaseException:
        file.close()
        raise


def _read(file: StateFile) -> Remembered | None:
    universe = dict(file.rows(Kind.UNIVERSE))
    if not universe:
        return None
    return Remembered(
        _decoded(universe[ONLY], Universe),
        [_decoded(body, Instrument) for _, body in file.rows(Kind.SYMBOL)],
        [_decoded(body, Gone) for _, body in file.rows(Kind.GONE)],
        [_decoded(body, Order) for _, body in file.rows(Kind.ORDER)],
        {asset: _decoded(body, Balance) for asset, body in file.rows(Kind.BALANCE)},
        [each for _, body in file.rows(Kind.ARRIVALS) for each in _decoded(body, list[Arrival])],
        {_eaten_key(key): _decoded(body, Eaten) for key, body in file.rows(Kind.EATEN)},
    )


def body_of(market: Market, universe: Universe, kind: Kind, key: str) -> bytes | None:
    """The row of that kind and key as it is now; None where there is none."""
    found = _ROW_OF[kind](market, universe, key)
    return None if found is None else msgspec.json.encode(found)


def restore(market: Market, before: Remembered) -> None:
    """Put the symbols, orders, balances and books of *before* into a market that is new."""
    for instrument in before.symbols:
        market.catalogue.put(instrument)
    for gone in before.gone:
        market.catalogue.remove(gone.symbol, gone.offline_ms)
    market.wallet.resume(before.balances, before.arrivals)
    market.resume(before.orders, before.eaten)


def _decoded(body: bytes, kind: type[T]) -> T:
    return msgspec.json.decode(body, type=kind)


def _eaten_key(key: str) -> tuple[str, Side]:
    symbol, _, side = key.rpartition(" ")
    return symbol, Side(side)


_ROW_OF: Final[dict[Kind, Callable[[Market, Universe, str], Any]]] = {
    Kind.UNIVERSE: lambda _, universe, __: universe,
    Kind.SYMBOL: lambda market, _, symbol: market.catalogue.get(symbol),
    Kind.GONE: lambda market, _, symbol: market.catalogue.gone(symbol),
    Kind.ORDER: lambda market, _, order_id: market.orders.get(order_id),
    Kind.BALANCE: lambda market, _, asset: market.wallet.balances().get(asset),
    Kind.ARRIVALS: lambda market, _, __: market.wallet.arrivals(),
    Kind.EATEN: lambda market, _, key: market.eaten(*_eaten_key(key)),
}
