"""The executor as a service: listings in from the broker, the simulated exchange asked, trades out."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from decimal import ROUND_DOWN, Decimal
from pathlib import Path

import pytest
from pydantic import SecretStr

from executor.journal.decision_writer import DecisionWriter
from executor.sending.purchase_decisions import PurchaseDecisions
from executor.service import serve
from executor.settings import ExecutorSettings
from executor.supervision.exposure_metrics import read_exposure
from shared.errors import SettingsError
from shared.events import Mode, TradeStatus, utc_now
from shared.mexc.market_data import connect_market_data
from shared.mexc.payloads import OrderBook
from shared.postgres.database import Database
from shared.process.runtime import Runtime
from shared.process.telemetry import Telemetry
from shared.settings import ExchangeSettings
from tests.servers.postgres import PrivatePostgres
from tests.support.fakes.fakes import RecordingBus
from tests.support.running.executors import NOT_SENT, configure
from tests.support.running.services import open_database, serving
from tests.support.running.simulators import SimulatorProcess, running_simulator
from tests.support.running.trading import a_fresh_listing, a_venue, an_unused_url, executor
from tests.waiting import eventually

ORDER = "POST /api/v3/order"
ORDER_TEST = "POST /api/v3/order/test"
DEPTH = "GET /api/v3/depth"
NOWHERE = Path("/nonexistent")
NOTHING = Decimal(0)


@pytest.fixture
async def simulator() -> AsyncIterator[SimulatorProcess]:
    async with running_simulator() as started:
        yield started


async def book_of(simulator: SimulatorProcess, symbol: str) -> OrderBook:
    async with connect_market_data(simulator.rest_url) as rest:
        return await rest.depth(symbol, 500)


def bought(book: OrderBook, quantity: Decimal) -> Decimal:
    """What *quantity* costs on *book*, which holds more than that, fee included, in whole cents."""
    cost, left = Decimal(0), quantity
    for level in book.asks:
        taken = min(left, level.quantity)
        cost, left = cost + taken * level.price, left - taken
    assert left == 0
    assert book.asks[0].quantity < quantity, "the best offer alone was enough: the book is too deep to tell anything"
    return (cost * Decimal("1.0005")).quantize(Decimal("0.01"), "ROUND_UP")


async def test_a_dry_run_is_checked_by_the_exchange_and_filled_from_its_book(
    database_url: str, broker_url: str, simulator: SimulatorProcess
) -> None:
    asks = [["1.00", "30"], ["1.01", "40"], ["1.02", "1000"]]
    await simulator.list_coin("FRESHUSDT", price="1.00", swing="0", asks=asks)

    async with executor(database_url, broker_url, a_venue(simulator.rest_url)) as trading:
        book = await book_of(simulator, "FRESHUSDT")
        await trading.tell(a_fresh_listing("FRESHUSDT", price=Decimal("1.00")))
        trade = await trading.ended("FRESHUSDT")

    assert (trade.mode, trade.status, trade.error_reason) == (Mode.DRY_RUN, TradeStatus.FILLED, None)
    # 99.95 USDT at 1.05 at most, so that the fee of 0.05 % on top stays within 100; it gets them for less.
    quantity = (Decimal("99.95") / Decimal("1.05")).quantize(Decimal(1), ROUND_DOWN)
    assert trade.base_qty is not None
    assert quantity <= trade.base_qty < quantity + 1
    assert trade.quote_qty == bought(book, trade.base_qty)
    checked = await simulator.orders("FRESHUSDT")
    assert [(each["test"], each["client_order_id"]) for each in checked] == [(True, trade.client_order_id)]
    asked = await simulator.requests()
    assert (asked[ORDER_TEST], asked.get(ORDER, 0)) == (1, 0)


async def test_a_live_order_is_sent_once_looked_up_and_told_with_what_it_got(
    database_url: str, broker_url: str, simulator: SimulatorProcess
) -> None:
    await simulator.list_coin("FRESHUSDT", price="1.00", swing="0")
    venue = a_venue(simulator.rest_url, live=True)

    async with executor(database_url, broker_url, venue) as trading:
        await configure(trading.runtime.database, "auto_trade = true")
        listing = a_fresh_listing("FRESHUSDT", price=Decimal("1.00"))
        await trading.tell(*[listing] * 20)
        trade = await trading.ended("FRESHUSDT")
        stake = await read_exposure(trading.runtime.database, Mode.LIVE)

    [order] = await simulator.orders("FRESHUSDT")
    spent = sum(Decimal(fill["quoteQty"]) for fill in order["fills"])
    assert (trade.mode, trade.status, order["test"]) == (Mode.LIVE, TradeStatus.FILLED, False)
    assert trade.base_qty == sum(Decimal(fill["qty"]) for fill in order["fills"])
    assert spent < trade.quote_qty <= min(Decimal(100), spent * Decimal("1.0005") + Decimal("0.01"))
    assert (stake.reserved_usdt, stake.held_usdt) == (NOTHING, trade.quote_qty)
    assert trade.exchange_order_id == order["order_id"]


async def test_without_keys_only_the_book_is_asked(
    database_url: str, broker_url: str, simulator: SimulatorProcess
) -> None:
    await simulator.list_coin("FRESHUSDT")

    async with executor(database_url, broker_url, a_venue(simulator.rest_url, secret=None)) as trading:
        await trading.tell(a_fresh_listing("FRESHUSDT"))
        trade = await trading.ended("FRESHUSDT")

    asked = await simulator.requests()
    assert trade.status is TradeStatus.FILLED
    assert DEPTH in asked
    assert not {ORDER, ORDER_TEST} & asked.keys()


async def test_what_the_exchange_would_not_take_is_rejected_in_its_words(
    database_url: str, broker_url: str, simulator: SimulatorProcess
) -> None:
    await simulator.list_coin("FRESHUSDT")
    await simulator.arm("api_error", endpoint=ORDER_TEST, code=30018, message="market order disabled")

    async with executor(database_url, broker_url, a_venue(simulator.rest_url)) as trading:
        await trading.tell(a_fresh_listing("FRESHUSDT"))
        trade = await trading.ended("FRESHUSDT")

    assert (trade.status, trade.error_reason) == (
        TradeStatus.REJECTED,
        "order_test_rejected: 30018 market order disabled",
    )


@pytest.mark.parametrize("live", [False, True])
async def test_a_wrong_secret_halts_and_appears_nowhere(
    database_url: str, broker_url: str, simulator: SimulatorProcess, capfd: pytest.CaptureFixture[str], live: bool
) -> None:
    await simulator.list_coin("FRESHUSDT", price="1.00")
    secret = "wrong-s3cret"

    async with (
        open_database(database_url) as database,
        executor(database_url, broker_url, a_venue(simulator.rest_url, secret=secret)) as trading,
    ):
        await trading.tell(a_fresh_listing("FRESHUSDT", price=Decimal("1.00")))
        trade = await trading.ended("FRESHUSDT")
        halts = await eventually(lambda: halts_of(database))

    assert (trade.error_reason or "").startswith("order_test_rejected: 700002 ")
    assert [halt[:2] for halt in halts] == [("credentials", "dry-run")]
    written = "".join([*map(str, halts), *capfd.readouterr()])
    assert secret not in written
    assert all(secret.encode() not in message.body for message in trading.trades.messages)


async def halts_of(database: Database) -> list[tuple[str, str, str]]:
    async with database.connection() as connection:
        return [tuple(row) for row in await connection.fetch("SELECT cause, mode, reason FROM halts")]


async def test_a_symbol_nobody_knows_is_rejected_without_keys_too(
    database_url: str, broker_url: str, simulator: SimulatorProcess
) -> None:
    async with executor(database_url, broker_url, a_venue(simulator.rest_url, secret=None)) as trading:
        await trading.tell(a_fresh_listing("GHOSTUSDT"))
        trade = await trading.ended("GHOSTUSDT")

    assert (trade.status, (trade.error_reason or "").partition(":")[0]) == (TradeStatus.REJECTED, "symbol_unknown")


async def test_an_absent_exchange_fails_the_trade_instead_of_buying_late(database_url: str, broker_url: str) -> None:
    nowhere = a_venue(an_unused_url(), secret=None)

    async with executor(database_url, broker_url, nowhere) as trading:
        await trading.tell(a_fresh_listing("FRESHUSDT"))
        trade = await trading.ended("FRESHUSDT")
        stake = await read_exposure(trading.runtime.database, Mode.DRY_RUN)

    assert trade.status is TradeStatus.FAILED
    assert (trade.error_reason or "").startswith("exchange_unavailable: ")
    assert (stake.reserved_usdt, stake.held_usdt) == (NOTHING, NOTHING)


async def test_an_order_whose_executor_died_and_whose_message_expired_is_ended_and_its_money_freed(
    database_url: str, broker_url: str, simulator: SimulatorProcess
) -> None:
    long_ago = utc_now() - timedelta(seconds=121)
    listing = a_fresh_listing("LEFTUSDT", at=long_ago)
    async with open_database(database_url) as database:
        settings = ExecutorSettings()
        journal = DecisionWriter(database, settings, outbox_filled=lambda: None, now=lambda: long_ago)
        died = PurchaseDecisions(journal, settings, live=False, unready=lambda: None, now=lambda: long_ago)
        await died.open(listing, NOT_SENT)

        async with executor(database_url, broker_url, a_venue(simulator.rest_url)) as trading:
            trade = await trading.ended("LEFTUSDT")

        stake = await read_exposure(database, Mode.DRY_RUN)

    assert (trade.listing_key, trade.status, trade.error_reason) == (listing.key, TradeStatus.FAILED, "interrupted")
    assert (stake.reserved_usdt, stake.held_usdt) == (NOTHING, NOTHING)
    assert ORDER_TEST not in await simulator.requests()


async def test_a_stale_listing_is_refused_and_the_exchange_never_asked(
    database_url: str, broker_url: str, simulator: SimulatorProcess
) -> None:
    async with executor(database_url, broker_url, a_venue(simulator.rest_url)) as trading:
        await trading.tell(a_fresh_listing("FRESHUSDT", at=utc_now() - timedelta(minutes=2)))
        trade = await trading.ended("FRESHUSDT")

    assert (trade.error_reason or "").startswith("stale_listing: ")
    asked = await simulator.requests()
    assert not {DEPTH, ORDER_TEST} & asked.keys()


@pytest.fixture
async def idle_runtime(database_url: str) -> AsyncIterator[Runtime]:
    async with open_database(database_url) as database:
        yield a_runtime(database)


def a_runtime(database: Database) -> Runtime:
    return Runtime(RecordingBus(), database, Telemetry(), asyncio.Event())


async def test_a_frozen_database_does_not_hold_up_the_end(private_postgres: Callable[[], PrivatePostgres]) -> None:
    server = private_postgres()
    async with open_database(server.create_migrated_database()) as opened:
        runtime = a_runtime(opened)
        async with serving(runtime, lambda own: serve(own, ExecutorSettings(), a_venue(an_unused_url()), NOWHERE)):
            await eventually(lambda: shown(runtime, "live"))
            server.freeze()
            # A look at the exposure is under way, beside the one that watches for halts.
            await eventually(lambda: opened.pool.get_idle_size() < opened.pool.get_size() - 1)
            runtime.stop.set()
            asked_at = time.monotonic()

        # What is asked of the database then, and once more for what is to be published, gets its five seconds each.
        assert time.monotonic() - asked_at < 15


def shown(runtime: Runtime, mode: str) -> bool:
    labels = {"mode": mode, "state": "held"}
    return runtime.telemetry.registry.get_sample_value("sniper_executor_exposure_usdt", labels) is not None


async def test_live_trading_without_keys_is_refused_at_the_start(idle_runtime: Runtime) -> None:
    with pytest.raises(SettingsError, match=r"^SNIPER_LIVE: needs SNIPER_MEXC_API_KEY and SNIPER_MEXC_API_SECRET$"):
        await serve(idle_runtime, ExecutorSettings(), ExchangeSettings(live=True), NOWHERE)


async def test_half_a_key_is_refused_at_the_start(idle_runtime: Runtime) -> None:
    venue = ExchangeSettings(mexc_api_key=SecretStr("sim-key"))

    with pytest.raises(SettingsError, match=r"^SNIPER_MEXC_API_SECRET: "):
        await serve(idle_runtime, ExecutorSettings(), venue, NOWHERE)


@pytest.mark.parametrize("live", [False, True])
async def test_with_keys_it_is_not_ready_before_the_exchange_is_there(idle_runtime: Runtime, live: bool) -> None:
    nowhere = a_venue(an_unused_url(), live=live)

    async with serving(idle_runtime, lambda own: serve(own, ExecutorSettings(), nowhere, NOWHERE)):
        await eventually(lambda: idle_runtime.telemetry.not_ready() == ["executor"])
