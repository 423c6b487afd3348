"""State file: rows survive any end of the process, and unreadable files are kept."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from simulator import state_file
from simulator.dirty_rows import RowKind
from simulator.exchange import Exchange, build_exchange
from simulator.market.book import Side
from simulator.market.listings import ListingRequest, SymbolChange, apply_change
from simulator.market.orders import Behaviour, Order, OrderType, Status
from simulator.market.wallet import Arrival
from simulator.settings import SimulatorSettings
from simulator.state_file import StateError, UnreadableError, open_state, set_aside
from simulator.symbols.instrument import Instrument
from simulator.symbols.scenarios import Scenario
from tests.support.data.markets import a_buy, a_sell

SYMBOLS = 20


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "simulator.sqlite"


def an_exchange(path: Path, report: Callable[[str], None] = lambda _: None, **settings: object) -> Exchange:
    return build_exchange(SimulatorSettings.model_validate({"symbols": SYMBOLS, "state_file": path} | settings), report)


def again(exchange: Exchange, path: Path) -> Exchange:
    """Save *exchange*, drop it, and start another from its file."""
    exchange.save()
    exchange.close()
    return an_exchange(path)


def every_symbol(exchange: Exchange) -> list[Instrument]:
    return exchange.market.catalogue.all_listed(2**62)


def test_an_exchange_is_what_it_was(path: Path) -> None:
    first = an_exchange(path)
    market, now_ms = first.market, first.now_ms()
    first.list_newcomer(now_ms)
    asks = [(Decimal(1), Decimal(9))]
    coin = first.list_symbol(ListingRequest(symbol="NEWUSDT", price=Decimal("0.5"), asks=asks), now_ms)
    base = market.instrument("ETHUSDT", now_ms)
    market.catalogue.put(apply_change(base, SymbolChange(status="suspended", filters=({"a": 1, "b": None},)), now_ms))
    market.catalogue.remove("MXUSDT", now_ms)
    bought = market.place(a_buy(OrderType.MARKET, symbol="NEWUSDT", quote_quantity="4", client_order_id="a"), now_ms)
    resting = market.place(a_buy(symbol="BTCUSDT", quantity="0.01", price="50000"), now_ms)
    late = market.place(
        a_sell(OrderType.MARKET, symbol="NEWUSDT", quantity="3"), now_ms, behaviour=Behaviour(due_ms=now_ms + 10**9)
    )
    market.wallet.expect(Arrival("NEW", Decimal(3), now_ms + 10**9))

    second = again(first, path)

    assert every_symbol(second) == every_symbol(first)
    assert second.market.catalogue.offline(now_ms) == market.catalogue.offline(now_ms)
    assert [second.market.orders.get(each.order_id) for each in (bought, resting, late)] == [bought, resting, late]
    assert second.market.orders.find("NEWUSDT", None, "a") == bought
    assert second.market.orders.open() == [resting, late]
    assert second.market.wallet.balances() == market.wallet.balances()
    assert second.market.wallet.arrivals() == market.wallet.arrivals()
    assert list(second.market.levels(coin, Side.SELL, now_ms)) == list(market.levels(coin, Side.SELL, now_ms))
    assert list(second.market.deals) == list(market.deals)
    second.close()


def test_a_late_order_is_matched_and_a_resting_one_filled_by_the_next_run(path: Path) -> None:
    first = an_exchange(path)
    now_ms = first.now_ms()
    late = first.market.place(
        a_buy(OrderType.MARKET, symbol="BTCUSDT", quote_quantity="20"), now_ms, behaviour=Behaviour(due_ms=now_ms + 50)
    )
    resting = first.market.place(a_buy(symbol="ETHUSDT", quantity="0.01", price="2500"), now_ms)
    assert (late.status, resting.status) == (Status.NEW, Status.NEW)

    second = again(first, path)
    second.market.catalogue.put(replace(second.market.instrument("ETHUSDT", now_ms), price=Decimal(2_000)))
    second.market.advance(now_ms + 60)

    assert [_of(second, each).status for each in (late, resting)] == [Status.FILLED, Status.FILLED]
    second.close()


def _of(exchange: Exchange, order: Order) -> Order:
    found = exchange.market.orders.get(order.order_id)
    assert found is not None
    return found


def test_prices_go_on_as_if_nothing_had_happened(path: Path) -> None:
    first = an_exchange(path)
    now_ms = first.now_ms()
    first.list_symbol(ListingRequest(symbol="NEWUSDT", scenario=Scenario.SLOW_GRIND), now_ms)

    second = again(first, path)

    later_ms = now_ms + 30_000
    assert [next(second.market.levels(each, Side.BUY, later_ms)) for each in every_symbol(second)] == [
        next(first.market.levels(each, Side.BUY, later_ms)) for each in every_symbol(first)
    ]
    second.close()


def test_names_of_newcomers_are_new_in_each_run_and_in_a_state_that_begins_anew(path: Path) -> None:
    first = an_exchange(path)
    names = [first.list_newcomer(first.now_ms()).symbol for _ in range(10)]
    second = again(first, path)
    names += [second.list_newcomer(second.now_ms()).symbol for _ in range(10)]
    second.close()
    path.unlink()
    third = an_exchange(path)
    anew = {third.list_newcomer(third.now_ms()).symbol for _ in range(10)}
    third.close()

    assert len(set(names)) == 20
    assert len(anew) == 10
    assert len(anew - set(names)) >= 5  # It knows none of the names before, so now and then it makes up one of them.


def test_a_later_run_keeps_the_symbols_it_finds_and_says_so(path: Path) -> None:
    first = an_exchange(path)
    first.close()
    said: list[str] = []

    second = an_exchange(path, said.append, symbols=SYMBOLS + 5, seed=9)

    assert every_symbol(second) == every_symbol(first)
    assert said == [f"{path}: keeps its {SYMBOLS} symbols of seed 1"]
    second.close()


def test_nothing_is_kept_without_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exchange = build_exchange(SimulatorSettings(symbols=SYMBOLS))
    exchange.list_newcomer(exchange.now_ms())
    exchange.save()

    assert exchange.changes.pending() == []
    assert list(tmp_path.iterdir()) == []


def test_only_what_changed_is_written(path: Path) -> None:
    exchange = an_exchange(path)
    exchange.market.place(a_buy(OrderType.MARKET, symbol="BTCUSDT", quote_quantity="20"), exchange.now_ms())

    kinds = sorted({kind for kind, _ in exchange.changes.pending()})
    exchange.save()

    assert kinds == [RowKind.BALANCE, RowKind.DEPLETION, RowKind.ORDER]
    assert exchange.changes.pending() == []
    exchange.close()


def test_what_could_not_be_saved_is_saved_with_what_follows(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exchange = an_exchange(path)
    assert exchange.state is not None
    exchange.list_newcomer(exchange.now_ms())

    with monkeypatch.context() as broken:
        broken.setattr(state_file, "_PUT", "INSERT INTO nowhere VALUES (?, ?, ?)")
        with pytest.raises(StateError, match="no such table: nowhere"):
            exchange.save()

    second = again(exchange, path)
    assert every_symbol(second) == every_symbol(exchange)
    second.close()


# Broken and foreign files


def _overwrite(path: Path) -> None:
    path.write_bytes(b"no database at all" * 100)


def _damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[200:] = b"\xff" * (len(content) - 200)
    path.write_bytes(content)


def _cut(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _spoil_a_row(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE rows SET body = '{\"symbols\": \"many\"}' WHERE kind = 'universe'")
    connection.close()


def _come_from_another_version(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 7")
    connection.close()


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (_overwrite, "is broken"),
        (_damage, "is broken"),
        (_cut, "is broken"),
        (_spoil_a_row, "is broken"),
        (_come_from_another_version, "is of version 7, and this is version 1"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_and_kept_aside(path: Path, harm: Callable[[Path], None], why: str) -> None:
    first = an_exchange(path)
    first.list_newcomer(first.now_ms())
    first.save()
    first.close()
    harm(path)
    harmed = path.read_bytes()
    said: list[str] = []

    second = an_exchange(path, said.append)
    newcomers = len(every_symbol(second)) - SYMBOLS
    second.close()

    [kept] = [each for each in path.parent.iterdir() if each.name.startswith(f"{path.name}.")]
    [sentence] = said
    assert newcomers == 0
    assert sentence.startswith(f"{path}: {why}")
    assert sentence.endswith(f"; it is kept as {kept}, and the exchange starts afresh")
    assert kept.read_bytes() == harmed


def test_several_files_set_aside_in_one_second_are_all_kept(path: Path) -> None:
    names = []
    for number in range(3):
        path.parent.mkdir(exist_ok=True)
        path.write_text(str(number))
        path.with_name(f"{path.name}-wal").write_text(f"wal {number}")
        names.append(set_aside(path))

    assert [each.read_text() for each in names] == ["0", "1", "2"]
    assert [each.with_name(f"{each.name}-wal").read_text() for each in names] == ["wal 0", "wal 1", "wal 2"]
    assert not path.exists()


def test_an_empty_file_is_a_new_one(path: Path) -> None:
    path.parent.mkdir()
    path.touch()

    an_exchange(path).close()

    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_database_of_another_program_is_refused_and_left_alone(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE photographs (taken_at TEXT)")
    connection.close()

    with pytest.raises(StateError, match="is a database of another program") as refusal:
        open_state(path)

    assert not isinstance(refusal.value, UnreadableError)
    assert path.exists()


def test_a_second_process_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_file, "LOCK_SECONDS", 0.1)
    first = an_exchange(path)

    with pytest.raises(StateError, match="another simulator uses it"):
        an_exchange(path)

    first.close()
    an_exchange(path).close()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StateError, match=r"file/simulator.sqlite: cannot be made: "):
        open_state(tmp_path / "file" / "simulator.sqlite")


def test_a_transaction_that_was_cut_off_leaves_what_was_there_before(path: Path) -> None:
    """A process killed in the middle of a save loses that save alone."""
    an_exchange(path).close()
    program = f"""
import os, signal
from simulator.dirty_rows import RowKind
from simulator.state_file import open_state
from pathlib import Path
file = open_state(Path({os.fspath(path)!r}))
file.save([(RowKind.BALANCE, "WHOLE", b'{{"free":"1","locked":"0"}}')])
def rows():
    yield RowKind.BALANCE, "HALF", b'{{"free":"1","locked":"0"}}'
    os.kill(os.getpid(), signal.SIGKILL)
file.save(rows())
"""
    ended = subprocess.run([sys.executable, "-c", program], check=False, timeout=30)

    exchange = an_exchange(path)
    assert ended.returncode == -9
    assert sorted(exchange.market.wallet.balances()) == ["USDT", "WHOLE"]
    exchange.close()
