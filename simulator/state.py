"""Persistent state: symbols, orders and balances as rows. Prices follow from them and the clock."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from simulator.dirty_rows import SINGLE_ROW, RowKind
from simulator.market.book import Depletion, Side
from simulator.market.market import Market
from simulator.market.orders import Order
from simulator.market.wallet import Arrival, Balance
from simulator.state_file import StateFile, UnreadableError, open_state, set_aside
from simulator.symbols import Delisted, Instrument, SymbolGenerator

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SavedState:
    """The state of an earlier run, as it was last saved."""

    generator: SymbolGenerator
    symbols: list[Instrument]
    """Those that differ from the generator's."""
    delisted: list[Delisted]
    orders: list[Order]
    balances: dict[str, Balance]
    arrivals: list[Arrival]
    depletions: dict[tuple[str, Side], Depletion]


def load_state(path: Path, report: Callable[[str], None]) -> tuple[StateFile, SavedState | None]:
    """Open the file at *path* and read it; the state is None where nothing was ever saved.

    An unreadable file is set aside under another name, which *report* receives. Raises StateError.
    """
    try:
        return _opened(path)
    except UnreadableError as error:
        kept = set_aside(path)
        report(f"{error}; it is kept as {kept}, and the exchange starts afresh")
        return _opened(path)


def _opened(path: Path) -> tuple[StateFile, SavedState | None]:
    file = open_state(path)
    try:
        return file, _read(file)
    except (msgspec.DecodeError, ValueError, LookupError) as error:
        file.close()
        raise UnreadableError(f"{path}: is broken ({error})") from None
    except BaseException:
        file.close()
        raise


def _read(file: StateFile) -> SavedState | None:
    generator = dict(file.rows(RowKind.GENERATOR))
    if not generator:
        return None
    return SavedState(
        _decoded(generator[SINGLE_ROW], SymbolGenerator),
        [_decoded(body, Instrument) for _, body in file.rows(RowKind.SYMBOL)],
        [_decoded(body, Delisted) for _, body in file.rows(RowKind.DELISTED)],
        [_decoded(body, Order) for _, body in file.rows(RowKind.ORDER)],
        {asset: _decoded(body, Balance) for asset, body in file.rows(RowKind.BALANCE)},
        [each for _, body in file.rows(RowKind.ARRIVALS) for each in _decoded(body, list[Arrival])],
        {_depletion_key(key): _decoded(body, Depletion) for key, body in file.rows(RowKind.DEPLETION)},
    )


def row_body(market: Market, generator: SymbolGenerator, kind: RowKind, key: str) -> bytes | None:
    """Return the current row of that kind and key; None where there is none."""
    found = _ROW_OF[kind](market, generator, key)
    return None if found is None else msgspec.json.encode(found)


def restore(market: Market, before: SavedState) -> None:
    """Restore the symbols, orders, balances and books of *before* into a new market."""
    for instrument in before.symbols:
        market.catalogue.put(instrument)
    for delisted in before.delisted:
        market.catalogue.remove(delisted.symbol, delisted.offline_ms)
    market.wallet.resume(before.balances, before.arrivals)
    market.resume(before.orders, before.depletions)


def _decoded(body: bytes, kind: type[T]) -> T:
    return msgspec.json.decode(body, type=kind)


def _depletion_key(key: str) -> tuple[str, Side]:
    symbol, _, side = key.rpartition(" ")
    return symbol, Side(side)


_ROW_OF: Final[dict[RowKind, Callable[[Market, SymbolGenerator, str], Any]]] = {
    RowKind.GENERATOR: lambda _, generator, __: generator,
    RowKind.SYMBOL: lambda market, _, symbol: market.catalogue.get(symbol),
    RowKind.DELISTED: lambda market, _, symbol: market.catalogue.delisted(symbol),
    RowKind.ORDER: lambda market, _, order_id: market.orders.get(order_id),
    RowKind.BALANCE: lambda market, _, asset: market.wallet.balances().get(asset),
    RowKind.ARRIVALS: lambda market, _, __: market.wallet.arrivals(),
    RowKind.DEPLETION: lambda market, _, key: market.depletion(*_depletion_key(key)),
}
