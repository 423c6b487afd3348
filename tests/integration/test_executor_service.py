"""The executor as a service: listings in from the broker, the simulated exchange asked, trades out."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal

import pytest
from pydantic import SecretStr

from executor.journal import Exposure, Journal
from executor.service import serve
from executor.settings import ExecutorSettings
from shared.database import Database
from shared.errors import SettingsError
from shared.events import Listing, Mode, Trade, TradeStatus, utc_now
from shared.mexc.payloads import OrderBook
from shared.mexc.rest import connect_rest
from shared.runtime import Runtime
from shared.settings import ExchangeSettings
from shared.telemetry import Telemetry
from shared.topology import PERSISTER_TRADES, to_message
from tests.builders import a_listing
from tests.fakes import RecordingBus
from tests.servers.ports import free_ports
from tests.servers.postgres import PrivatePostgres
from tests.services import Outlet, emptying, open_database, rabbitmq_runtime, serving
from tests.simulators import SimulatorProcess, running_simulator
from tests.waiting import eventually

ORDER = "POST /api/v3/order"
ORDER_TEST = "POST /api/v3/order/test"
DEPTH = "GET /api/v3/depth"


@pytest.fixture
async def simulator() -> AsyncIterator[SimulatorProcess]:
    async with running_simulator() as started:
        yield started


@asynccontextmanager
async def executor(
    database_url: str, broker_url: str, venue: ExchangeSettings
) -> AsyncIterator[tuple[Runtime, Outlet]]:
    """Run the service; yield what it runs on and the trades that come out."""
    async with (
        rabbitmq_runtime(database_url, broker_url) as runtime,
        emptying(runtime.bus, PERSISTER_TRADES) as trades,
        serving(runtime, lambda own: serve(own, ExecutorSettings(), venue)),
    ):
        await eventually(lambda: runtime.telemetry.not_ready() == [])
        yield runtime, trades


def a_venue(url: str, *, secret: str | None = "sim-secret") -> ExchangeSettings:
    keys = {"mexc_api_key": secret and SecretStr("sim-key"), "mexc_api_secret": secret and SecretStr(secret)}
    return ExchangeSettings.model_validate({"mexc_rest_url": url, **keys})


def an_unused_url() -> str:
    return f"http://127.0.0.1:{free_ports(1)[0]}"


def a_fresh_listing(symbol: str, *, at: datetime | None = None) -> Listing:
    times = dict.fromkeys(("listed_at", "observed_at", "published_at", "deduplicated_at"), at or utc_now())
    return a_listing(symbol=symbol, base_asset=symbol.removesuffix("USDT"), **times)


async def traded(runtime: Runtime, trades: Outlet, symbol: str) -> Trade:
    count = len(trades.messages)
    await runtime.bus.publish(to_message(a_fresh_listing(symbol)))
    await trades.holds(count + 1)
    trade = trades.events[-1]
    assert isinstance(trade, Trade)
    return trade


async def book_of(simulator: SimulatorProcess, symbol: str) -> OrderBook:
    async with connect_rest(simulator.rest_url) as rest:
        return await rest.depth(symbol, 500)


def bought(book: OrderBook, amount: Decimal) -> Decimal:
    """What *amount* buys on *book*, which holds more than that."""
    total = Decimal(0)
    for level in book.asks:
        if level.price * level.quantity >= amount:
            assert total > 0, "the best offer alone was enough: the book is too deep to tell anything"
            return total + (amount / level.price).quantize(Decimal("1E-8"), ROUND_DOWN)
        total += level.quantity
        amount -= level.price * level.quantity
    raise AssertionError("the book is too thin")


async def test_a_listing_is_checked_by_the_exchange_and_filled_from_its_book(
    database_url: str, broker_url: str, simulator: SimulatorProcess
) -> None:
    async with executor(database_url, broker_url, a_venue(simulator.rest_url)) as (runtime, trades):
        for number in range(5):  # The market moves; a fill is compared with a book that stood still around it.
            symbol = f"FRESH{number}USDT"
            await simulator.list_coin(symbol, depth_quote="5000")
            before = await book_of(simulator, symbol)
            trade = await traded(runtime, trades, symbol)
            if (await book_of(simulator, symbol)).asks == before.asks:
                break
        else:
            pytest.fail("the market never stood still")

    assert (trade.status, trade.error_reason) == (TradeStatus.FILLED, None)
    # 99.95 USDT are asked for, so that the fee of 0.05 % on top stays within 100.
    assert (trade.quote_qty, trade.base_qty) == (Decimal("100.00"), bought(before, Decimal("99.95")))
    checked = await simulator.orders(symbol)
    assert [(each["test"], each["client_order_id"]) for each in checked] == [(True, trade.client_order_id)]
    asked = await simulator.requests()
    assert (asked[ORDER_TEST], asked.get(ORDER, 0)) == (number + 1, 0)


async def test_without_keys_only_the_book_is_asked(
    database_url: str, broker_url: str, simulator: SimulatorProcess
) -> None:
    await simulator.list_coin("FRESHUSDT")

    async with executor(database_url, broker_url, a_venue(simulator.rest_url, secret=None)) as (runtime, trades):
        trade = await traded(runtime, trades, "FRESHUSDT")

    asked = await simulator.requests()
    assert trade.status is TradeStatus.FILLED
    assert (asked[DEPTH], asked.get(ORDER_TEST, 0)) == (1, 0)


async def test_what_the_exchange_would_not_take_is_rejected_in_its_words(
    database_url: str, broker_url: str, simulator: SimulatorProcess
) -> None:
    await simulator.list_coin("CLOSEDUSDT", api=False)

    async with executor(database_url, broker_url, a_venue(simulator.rest_url)) as (runtime, trades):
        trade = await traded(runtime, trades, "CLOSEDUSDT")

    assert (trade.status, trade.error_reason) == (
        TradeStatus.REJECTED,
        "order_test_rejected: 10007 symbol not support api",
    )


async def test_a_wrong_secret_rejects_every_order_and_appears_nowhere(
    database_url: str, broker_url: str, simulator: SimulatorProcess
) -> None:
    await simulator.list_coin("FRESHUSDT")

    async with executor(database_url, broker_url, a_venue(simulator.rest_url, secret="wrong-s3cret")) as (runtime, out):
        trade = await traded(runtime, out, "FRESHUSDT")

    assert (trade.error_reason or "").startswith("order_test_rejected: 700002 ")
    assert all(b"wrong-s3cret" not in message.body for message in out.messages)


async def test_a_symbol_nobody_knows_is_rejected_without_keys_too(
    database_url: str, broker_url: str, simulator: SimulatorProcess
) -> None:
    async with executor(database_url, broker_url, a_venue(simulator.rest_url, secret=None)) as (runtime, trades):
        trade = await traded(runtime, trades, "GHOSTUSDT")

    assert (trade.status, trade.error_reason) == (TradeStatus.REJECTED, "symbol_unknown")


async def test_a_server_error_fails_the_trade(database_url: str, broker_url: str, simulator: SimulatorProcess) -> None:
    await simulator.list_coin("FRESHUSDT")
    await simulator.arm("http_status", endpoint=ORDER_TEST, status=503)

    async with executor(database_url, broker_url, a_venue(simulator.rest_url)) as (runtime, trades):
        trade = await traded(runtime, trades, "FRESHUSDT")

    assert (trade.status, trade.error_reason) == (TradeStatus.FAILED, "exchange_unavailable: HTTP 503")


async def test_an_absent_exchange_fails_the_trade_instead_of_buying_late(database_url: str, broker_url: str) -> None:
    nowhere = a_venue(an_unused_url(), secret=None)

    async with executor(database_url, broker_url, nowhere) as (runtime, trades):
        trade = await traded(runtime, trades, "FRESHUSDT")

    assert trade.status is TradeStatus.FAILED
    assert (trade.error_reason or "").startswith("exchange_unavailable: /api/v3/depth")


async def test_an_order_whose_executor_died_and_whose_message_expired_is_ended_and_its_money_freed(
    database_url: str, broker_url: str, simulator: SimulatorProcess
) -> None:
    long_ago = utc_now() - timedelta(seconds=121)
    listing = a_fresh_listing("LEFTUSDT", at=long_ago)
    async with open_database(database_url) as database:
        journal = Journal(database, ExecutorSettings(), now=lambda: long_ago)
        await journal.open(listing, Mode.DRY_RUN)

        async with executor(database_url, broker_url, a_venue(simulator.rest_url)) as (_, trades):
            await trades.holds(1)

        left = await journal.exposure(Mode.DRY_RUN)

    [trade] = trades.events
    assert isinstance(trade, Trade)
    assert (trade.listing_key, trade.status, trade.error_reason) == (listing.key, TradeStatus.FAILED, "interrupted")
    assert left == Exposure(Decimal(0), Decimal(0))
    assert ORDER_TEST not in await simulator.requests()


async def test_a_stale_listing_is_refused_and_the_exchange_never_asked(
    database_url: str, broker_url: str, simulator: SimulatorProcess
) -> None:
    old = utc_now() - timedelta(minutes=2)
    stale = a_fresh_listing("FRESHUSDT").model_copy(update={"listed_at": old, "observed_at": old})

    async with executor(database_url, broker_url, a_venue(simulator.rest_url)) as (runtime, trades):
        await runtime.bus.publish(to_message(stale))
        await trades.holds(1)

    [trade] = trades.events
    assert isinstance(trade, Trade)
    assert trade.error_reason == "stale_listing"
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
        async with serving(runtime, lambda own: serve(own, ExecutorSettings(), a_venue(an_unused_url()))):
            await eventually(lambda: shown(runtime, "live"))
            server.freeze()
            # A look at the exposure is under way.
            await eventually(lambda: opened.pool.get_idle_size() < opened.pool.get_size(), within_seconds=10)
            runtime.stop.set()
            asked_at = time.monotonic()

        assert time.monotonic() - asked_at < 2


def shown(runtime: Runtime, mode: str) -> bool:
    labels = {"mode": mode, "state": "filled"}
    return runtime.telemetry.registry.get_sample_value("sniper_executor_exposure_usdt", labels) is not None


async def test_live_trading_is_refused_at_the_start(idle_runtime: Runtime) -> None:
    with pytest.raises(SettingsError, match=r"^SNIPER_LIVE: this version trades dry-run only$"):
        await serve(idle_runtime, ExecutorSettings(), ExchangeSettings(live=True))


async def test_half_a_key_is_refused_at_the_start(idle_runtime: Runtime) -> None:
    venue = ExchangeSettings(mexc_api_key=SecretStr("sim-key"))

    with pytest.raises(SettingsError, match=r"^SNIPER_MEXC_API_SECRET: "):
        await serve(idle_runtime, ExecutorSettings(), venue)


async def test_with_keys_it_is_not_ready_before_the_order_line_is(idle_runtime: Runtime) -> None:
    nowhere = a_venue(an_unused_url())

    async with serving(idle_runtime, lambda own: serve(own, ExecutorSettings(), nowhere)):
        await eventually(lambda: idle_runtime.telemetry.not_ready() == ["executor"])
