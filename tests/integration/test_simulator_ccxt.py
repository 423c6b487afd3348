"""The exchange library many bots use takes the simulator for MEXC."""

import asyncio
import decimal
from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import Any

import pytest

from tests.support.running.simulators import SimulatorProcess, running_simulator
from tests.waiting import eventually

WATCH_SECONDS = 30


@pytest.fixture(autouse=True)
def _arithmetic_as_it_was() -> Iterator[None]:
    """Take back how ccxt rounds: it changes that for all of the process."""
    context, before = decimal.getcontext(), decimal.getcontext().copy()
    yield
    context.rounding = before.rounding
    context.traps.update(before.traps)


@pytest.fixture
async def simulator() -> AsyncIterator[SimulatorProcess]:
    async with running_simulator() as process:
        yield process


@pytest.fixture
async def exchange(simulator: SimulatorProcess) -> AsyncIterator[Any]:
    import ccxt.async_support as ccxt

    class SpotOnly(ccxt.mexc):  # type: ignore[misc]
        async def fetch_markets(self, params: Any = None) -> Any:
            """Without the futures, which live on another host."""
            return await self.fetch_spot_markets(params or {})

    client = SpotOnly(
        {
            "apiKey": simulator.api_key,
            "secret": simulator.api_secret,
            "enableRateLimit": False,
            "options": {"defaultType": "spot"},
        }
    )
    # Coins' deposit networks are of no interest to a spot trader, and not simulated.
    client.has["fetchCurrencies"] = False
    # Every other URL goes, so that nothing can leave this machine.
    client.urls["api"] = {"spot": {"public": simulator.rest_url, "private": simulator.rest_url}}
    yield client
    await client.close()


@pytest.fixture
async def streams(simulator: SimulatorProcess, exchange: Any) -> AsyncIterator[Any]:
    """The same client over websockets."""
    import ccxt.pro as ccxt

    class SpotOnly(ccxt.mexc):  # type: ignore[misc]
        async def fetch_markets(self, params: Any = None) -> Any:
            return await self.fetch_spot_markets(params or {})

    options = {"apiKey": simulator.api_key, "secret": simulator.api_secret, "enableRateLimit": False}
    client = SpotOnly({**options, "options": {"defaultType": "spot"}})
    client.has["fetchCurrencies"] = False
    client.urls["api"] = {
        "spot": {"public": simulator.rest_url, "private": simulator.rest_url},
        "ws": {"spot": simulator.ws_url},
    }
    yield client
    await client.close()


async def test_markets_are_loaded_with_their_precision_and_limits(exchange: Any) -> None:
    markets = await exchange.load_markets()

    bitcoin = markets["BTC/USDT"]
    assert len(markets) == 60
    assert bitcoin["active"]
    assert (bitcoin["precision"]["price"], bitcoin["precision"]["amount"]) == (0.01, 0.000001)
    assert bitcoin["limits"]["cost"]["min"] == 1
    assert bitcoin["taker"] == 0.0005


async def test_ticker_and_order_book_agree(exchange: Any) -> None:
    ticker = await exchange.fetch_ticker("BTC/USDT")
    book = await exchange.fetch_order_book("BTC/USDT", 5)

    assert book["bids"][0][0] < book["asks"][0][0]
    assert len(book["asks"]) == 5
    assert ticker["last"] == pytest.approx(book["asks"][0][0], rel=0.05)


async def test_market_buy_spends_the_given_cost(exchange: Any) -> None:
    placed = await exchange.create_market_buy_order_with_cost("BTC/USDT", 100)
    order = await exchange.fetch_order(placed["id"], "BTC/USDT")
    balance = await exchange.fetch_balance()

    assert order["status"] == "closed"
    assert order["cost"] == pytest.approx(100, abs=0.1)
    assert balance["BTC"]["free"] == pytest.approx(order["filled"])
    assert balance["USDT"]["free"] == pytest.approx(10_000 - order["cost"] * 1.0005)


async def test_limit_ioc_beyond_the_best_ask_is_filled(exchange: Any) -> None:
    book = await exchange.fetch_order_book("ETH/USDT", 5)
    price = book["asks"][2][0]

    placed = await exchange.create_order(
        "ETH/USDT", "limit", "buy", 0.1, price, {"timeInForce": "IOC", "clientOrderId": "snp-1"}
    )
    order = await exchange.fetch_order(placed["id"], "ETH/USDT")

    assert (order["status"], order["filled"], order["clientOrderId"]) == ("closed", 0.1, "snp-1")
    assert order["average"] <= price


async def test_trades_of_an_order_add_up_to_it_and_name_their_fee(exchange: Any) -> None:
    placed = await exchange.create_market_buy_order_with_cost("ETH/USDT", 50)
    order = await exchange.fetch_order(placed["id"], "ETH/USDT")

    trades = await exchange.fetch_my_trades("ETH/USDT")

    assert {trade["order"] for trade in trades} == {placed["id"]}
    assert sum(trade["amount"] for trade in trades) == pytest.approx(order["filled"])
    assert sum(trade["fee"]["cost"] for trade in trades) == pytest.approx(order["cost"] * 0.0005)
    assert {trade["fee"]["currency"] for trade in trades} == {"USDT"}


async def test_limit_ioc_below_the_best_ask_is_cancelled_unfilled(exchange: Any) -> None:
    book = await exchange.fetch_order_book("ETH/USDT", 5)
    price = book["bids"][2][0]

    placed = await exchange.create_order("ETH/USDT", "limit", "buy", 0.1, price, {"timeInForce": "IOC"})
    order = await exchange.fetch_order(placed["id"], "ETH/USDT")

    assert (order["status"], order["filled"]) == ("canceled", 0)


async def test_resting_order_is_open_until_it_is_cancelled(exchange: Any) -> None:
    book = await exchange.fetch_order_book("ETH/USDT", 5)
    placed = await exchange.create_order("ETH/USDT", "limit", "buy", 0.1, round(book["bids"][0][0] * 0.9, 2))
    open_before = await exchange.fetch_open_orders("ETH/USDT")

    await exchange.cancel_order(placed["id"], "ETH/USDT")

    assert [each["id"] for each in open_before] == [placed["id"]]
    assert await exchange.fetch_open_orders("ETH/USDT") == []
    assert (await exchange.fetch_balance())["USDT"]["used"] == 0


async def test_buying_beyond_the_balance_is_insufficient_funds(exchange: Any) -> None:
    from ccxt import InsufficientFunds

    with pytest.raises(InsufficientFunds):
        await exchange.create_market_buy_order_with_cost("BTC/USDT", 20_000)


async def while_watching(streams: Any, watch: Awaitable[Any], simulator: SimulatorProcess, exchange: Any) -> Any:
    """What *watch* returns, once an order for 50 USDT is placed after it has subscribed."""
    async with asyncio.timeout(WATCH_SECONDS):
        await streams.load_markets()
        watching = asyncio.ensure_future(watch)
        await eventually(simulator.watches_account)
        await exchange.create_market_buy_order_with_cost("ETH/USDT", 50)
        return await watching


async def test_watched_order_is_the_one_that_was_placed(
    simulator: SimulatorProcess, exchange: Any, streams: Any
) -> None:
    orders = await while_watching(streams, streams.watch_orders("ETH/USDT"), simulator, exchange)

    [placed] = await exchange.fetch_closed_orders("ETH/USDT")
    assert {each["id"] for each in orders} == {placed["id"]}
    assert orders[-1]["side"] == "buy"


async def test_watched_trade_is_that_of_the_account(simulator: SimulatorProcess, exchange: Any, streams: Any) -> None:
    watched = await while_watching(streams, streams.watch_my_trades("ETH/USDT"), simulator, exchange)

    known = {each["id"]: each for each in await exchange.fetch_my_trades("ETH/USDT")}
    for trade in watched:
        same = known[trade["id"]]
        assert (trade["price"], trade["amount"], trade["fee"]) == (same["price"], same["amount"], same["fee"])


async def test_watched_balance_goes_down_by_a_purchase(
    simulator: SimulatorProcess, exchange: Any, streams: Any
) -> None:
    balance = await while_watching(streams, streams.watch_balance(), simulator, exchange)

    assert 9_900 < balance["USDT"]["free"] < 10_000
