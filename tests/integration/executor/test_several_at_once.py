"""Several coins at once, announced without their rules: what the exchange must be asked is asked for all together."""

from decimal import Decimal
from typing import Final

import pytest

from executor.model.reasons import Reason
from executor.settings import ExecutorSettings
from shared.mexc.weights import weight_of
from tests.support.running.executors import configure
from tests.support.running.simulators import running_simulator
from tests.support.running.trading import a_fresh_listing, a_venue, executor

INFO: Final = "/api/v3/exchangeInfo"
PRICE: Final = Decimal("237.1")
"""So dear that nothing can be bought before it is known in which fractions."""
SECONDS_MAX: Final = 8
"""Less than the window of the limits: nothing may have had to wait for that."""


@pytest.mark.parametrize(
    ("count", "price"), [pytest.param(8, PRICE, id="with a price"), pytest.param(5, None, id="without a price")]
)
async def test_coins_without_rules_are_all_bought_before_a_window_of_the_limits_is_over(
    database_url: str, broker_url: str, count: int, price: Decimal | None
) -> None:
    symbols = [f"DEAR{number}USDT" for number in range(count)]
    async with (
        running_simulator(limits=True) as simulator,
        executor(database_url, broker_url, a_venue(simulator.rest_url, live=True)) as trading,
    ):
        await configure(trading.runtime.database, "auto_trade = true, max_position_usdt = 100000")
        for symbol in symbols:
            await simulator.list_coin(symbol, price=str(PRICE), swing="0")
        asked_before = (await simulator.requests()).get(f"GET {INFO}", 0)

        await trading.tell(*(a_fresh_listing(symbol, price=price) for symbol in symbols))
        trades = [await trading.ended(symbol, within_seconds=SECONDS_MAX) for symbol in symbols]

        assert [trade.status for trade in trades] == ["filled"] * count
        assert (await simulator.requests())[f"GET {INFO}"] - asked_before <= 2
        assert await simulator.refusals() == {}
        assert weight_of(INFO) == 25


async def test_a_coin_that_the_exchange_does_not_know_holds_up_none_of_the_others(
    database_url: str, broker_url: str
) -> None:
    symbols = [f"DEAR{number}USDT" for number in range(3)]
    settings = ExecutorSettings(weight_per_10_seconds=10_000, requests_per_second=1_000)
    async with (
        running_simulator() as simulator,
        executor(database_url, broker_url, a_venue(simulator.rest_url, live=True), settings) as trading,
    ):
        await configure(trading.runtime.database, "auto_trade = true, max_position_usdt = 100000")
        for symbol in symbols:
            await simulator.list_coin(symbol, price=str(PRICE), swing="0")

        told = [a_fresh_listing(symbol, price=PRICE) for symbol in ("GONE1USDT", *symbols, "GONE2USDT")]
        await trading.tell(*told)

        assert [(await trading.ended(symbol)).status for symbol in symbols] == ["filled"] * 3
        for symbol in ("GONE1USDT", "GONE2USDT"):
            assert ((await trading.ended(symbol)).error_reason or "").startswith(Reason.SYMBOL_UNKNOWN)
