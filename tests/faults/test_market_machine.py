"""Market, exchange, both clocks and crashes, however they interleave: limits hold, everything is known, and sold."""

import os
from collections.abc import Callable, Coroutine, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from shared.control.exit_policy import FIELDS
from shared.events import HealthStatus, Side
from shared.postgres.database import Database
from tests.support.data.strategies import steady
from tests.support.fakes.virtual_time import VirtualLoop, a_virtual_loop
from tests.support.model.model_checks import OTHER_POLICIES
from tests.support.model.model_exchange import Fate
from tests.support.model.model_fates import FATES
from tests.support.model.model_market import Coin, Look, Trading
from tests.support.model.model_worlds import HALT, RESUME, World

T = TypeVar("T")
EXAMPLES = int(os.environ.get("SNIPER_TEST_MACHINE_EXAMPLES", "4"))
STEPS = int(os.environ.get("SNIPER_TEST_MACHINE_STEPS", "25"))

ANY = os.environ.get("SNIPER_TEST_MACHINE_ANY") == "true"
"""Other examples in every run, not always the same."""
SHRINKS = os.environ.get("SNIPER_TEST_MACHINE_SHRINKS") == "true"
PHASES = [Phase.generate, Phase.shrink] if SHRINKS else [Phase.generate]
"""To shrink a failure takes minutes."""


class MarketMachine(RuleBasedStateMachine):
    loop: VirtualLoop
    database: Database

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.loop, self.database)
        self.do(self.world.begin())

    def do(self, step: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(step)

    def pass_by(self, seconds: float) -> None:
        self.do(self.world.advance(seconds))

    # What is announced.

    @rule(fates=st.lists(FATES, min_size=1, max_size=3), opens_in=st.sampled_from([None, None, None, 3.0]))
    def coins_are_listed(self, fates: list[Fate], opens_in: float | None) -> None:
        self.world.exchange.fates.extend(fates)
        for _ in fates:
            self.world.list_coin(opens_in=opens_in)
        self.pass_by(1)

    @precondition(lambda self: self.world.listings)
    @rule(data=st.data())
    def a_listing_comes_again(self, data: st.DataObject) -> None:
        self.world.bus.announce(self.world.listings[self._a_key(data)])
        self.pass_by(0.1)

    # The market.

    @precondition(lambda self: self.world.listings)
    @rule(
        data=st.data(),
        factor=st.sampled_from(["0.5", "0.8", "0.9", "1", "1.1", "1.35", "3"]),
        spread=st.sampled_from(["0.002", "0.002", "0.1", "0.3"]),
        seconds=st.sampled_from([0.3, 2, 6]),
    )
    def a_price_moves(self, data: st.DataObject, factor: str, spread: str, seconds: float) -> None:
        coin = self._a_coin(data)
        coin.move(coin.price * Decimal(factor), Decimal(spread))
        self.pass_by(seconds)

    @precondition(lambda self: self.world.listings)
    @rule(data=st.data(), look=st.sampled_from(Look), looks=st.sampled_from([1, 1, 2, 20]))
    def a_book_is_odd(self, data: st.DataObject, look: Look, looks: int) -> None:
        self._a_coin(data).show(look, looks)
        self.pass_by(2)

    @precondition(lambda self: self.world.listings)
    @rule(data=st.data(), trading=st.sampled_from([*Trading, Trading.ON]))
    def trading_changes(self, data: st.DataObject, trading: Trading) -> None:
        self._a_coin(data).trading = trading
        self.pass_by(2)

    @precondition(lambda self: self.world.listings)
    @rule(
        data=st.data(),
        code=st.sampled_from([None, 30000, 30001, 10007, 30005, 30020, 30028, 30029, 30041, 10098]),
        tests_pass=st.booleans(),
        seconds=st.sampled_from([0.5, 6, 40]),
    )
    def sales_of_a_coin_are_refused(
        self, data: st.DataObject, code: int | None, *, tests_pass: bool, seconds: float
    ) -> None:
        """Until that changes, whatever the status of the symbol says."""
        coin = self._a_coin(data)
        coin.refuses_sales, coin.tests_pass = code, tests_pass
        self.pass_by(seconds)

    # The exchange.

    @rule(fates=st.lists(FATES, min_size=1, max_size=3))
    def the_exchange_will(self, fates: list[Fate]) -> None:
        self.world.exchange.fates.extend(fates)

    @rule(is_down=st.booleans(), seconds=st.sampled_from([0.5, 3, 15]))
    def the_exchange_is_away(self, is_down: bool, seconds: float) -> None:
        exchange = self.world.exchange
        exchange.is_down = is_down
        exchange.limited_until = 0.0 if is_down else self.loop.time() + seconds
        self.pass_by(seconds)
        exchange.is_down = False
        self.world.well_since = self.loop.time()

    @precondition(lambda self: self.world.listings)
    @rule(data=st.data(), share=st.sampled_from(["1", "0.5", "0.999"]))
    def coins_are_taken_by_hand(self, data: st.DataObject, share: str) -> None:
        coin, ledger = self._a_coin(data), self.world.exchange.ledger
        free = ledger.free(coin.asset)
        if free > 0:
            ledger.moved[coin.asset] -= free * Decimal(share)
            self.world.taken_by_hand.add(coin.asset)
        self.pass_by(5)

    # The clocks.

    @rule(seconds=st.sampled_from([-30, -3, -0.5, 0.5, 1.5, 3, 30]), drift=st.sampled_from([0, 0, 1e-3, -1e-3]))
    def the_exchanges_clock_changes(self, seconds: float, drift: float) -> None:
        exchange = self.world.exchange
        exchange.ahead_seconds += seconds - (drift - exchange.drift) * self.loop.time()
        exchange.drift = drift
        self.pass_by(1)

    @rule(seconds=st.sampled_from([-3600, -3, 3, 3600]))
    def our_clock_steps(self, seconds: float) -> None:
        self.world.wall_ahead += seconds
        self.pass_by(0.1)

    # People.

    @precondition(lambda self: self.world.listings)
    @rule(data=st.data(), table=st.sampled_from(["close_requests", "close_requests", "write_offs"]))
    def an_operator_ends_a_position(self, data: st.DataObject, table: str) -> None:
        self.do(self.world.wish(table, self._a_key(data)))
        self.pass_by(2)

    @rule(assignments=st.sampled_from([HALT, RESUME, RESUME, RESUME]))
    def an_operator_decides(self, assignments: str) -> None:
        self.do(self.world.configure(assignments))
        self.pass_by(0.6)

    @rule(exits=st.sampled_from(OTHER_POLICIES))
    def an_operator_changes_the_exits(self, exits: dict[str, Any]) -> None:
        self.do(self.world.set_exits(**exits))
        self.pass_by(1)

    @precondition(lambda self: self.world.listings)
    @rule(
        data=st.data(),
        own=st.sampled_from([{"stop_loss_pct": 5}, {"stop_loss_pct": None}, {"take_profit_ladder": []}, {}]),
    )
    def a_position_gets_exits_of_its_own(self, data: st.DataObject, own: dict[str, object]) -> None:
        follow = () if own else FIELDS
        self.do(self.world.set_own_exits(self._a_key(data), own, follow))
        self.pass_by(1)

    @rule(seconds=st.sampled_from([0.2, 3]))
    def live_trading_is_to_end(self, seconds: float) -> None:
        self.do(self.world.end_live_trading_in(seconds))
        self.pass_by(1)

    @rule()
    def an_operator_sells_everything(self) -> None:
        self.do(self.world.halt_and_sell())
        self.pass_by(1)

    # The executor.

    @rule(passages=st.one_of(st.just(0), st.integers(1, 40)), seconds=st.sampled_from([0, 0.03, 1]))
    def the_executor_dies(self, passages: int, seconds: float) -> None:
        process = self.world.process
        assert process is not None
        if passages:
            process.dies_after = passages
            self.pass_by(1 + seconds)
        else:
            self.pass_by(seconds)
            self.do(self.world.restart())

    @rule()
    def the_executor_is_restarted(self) -> None:
        self.do(self.world.restart(gracefully=True))

    @rule(seconds=st.sampled_from([0.05, 0.5, 3, 12]))
    def time_passes(self, seconds: float) -> None:
        self.pass_by(seconds)

    @invariant()
    def everything_holds(self) -> None:
        self.do(self.world.check())

    def teardown(self) -> None:
        try:
            self.do(self.world.heal())
        finally:
            self.do(self.world.end())

    def _a_key(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(sorted(self.world.listings)))

    def _a_coin(self, data: st.DataObject) -> Any:
        return self.world.exchange.coins[self.world.listings[self._a_key(data)].symbol]


@pytest.mark.timeout(max(180, 20 * EXAMPLES))
def test_everything_is_known_and_sold_whatever_market_exchange_and_clocks_do(database_url: str) -> None:
    with a_virtual_loop(database_url) as (loop, database):
        MarketMachine.loop, MarketMachine.database = loop, database
        run_state_machine_as_test(
            MarketMachine,
            settings=settings(
                settings() if ANY else steady,
                max_examples=EXAMPLES,
                stateful_step_count=STEPS,
                suppress_health_check=list(HealthCheck),
                print_blob=True,
                report_multiple_bugs=False,
                phases=PHASES,
            ),
        )


@pytest.mark.timeout(180)
def test_an_order_behind_any_status_is_found_and_sold_and_never_sent_twice(database_url: str) -> None:
    async def play(world: World) -> None:
        await world.begin()
        try:
            for status in (200, 403, 418, 429, 500):
                world.exchange.fates.append(Fate(lie=(status, b"", "0.2")))
                world.list_coin()
                await world.advance(8)
                await world.check()
            await world.heal()
        finally:
            await world.end()

    with a_virtual_loop(database_url) as (loop, database):
        loop.run_until_complete(play(World(loop, database)))


async def a_fallen_coin(world: World, *, refused: int, tests_pass: bool = False) -> Coin:
    """Have a coin bought, its sales refused, and its price fall below the stop."""
    listing = world.list_coin()
    await world.advance(3)
    coin = world.exchange.coins[listing.symbol]
    coin.refuses_sales, coin.tests_pass = refused, tests_pass
    coin.move(coin.price / 2, Decimal("0.002"))
    return coin


def sales_of(world: World, coin: Coin) -> Sequence[float]:
    """Return when each sale of *coin* was sent."""
    return [at for at, each in world.exchange.requests if (each.symbol, each.side) == (coin.symbol, Side.SELL)]


def played(database_url: str, play: Callable[[World], Coroutine[Any, Any, None]]) -> None:
    """Let *play* happen in a world of its own, and everything be known and sold in the end."""

    async def whole(world: World) -> None:
        await world.begin()
        try:
            await play(world)
            await world.check()
            await world.heal()
        finally:
            await world.end()

    with a_virtual_loop(database_url) as (loop, database):
        loop.run_until_complete(whole(World(loop, database)))


@pytest.mark.timeout(120)
def test_a_sale_that_is_refused_while_the_symbol_trades_is_named_and_made_within_two_seconds_of_the_end(
    database_url: str,
) -> None:
    """M11, M25, M27: by whichever code, and whether or not tests of orders find out."""

    async def play(world: World) -> None:
        cases = ((30028, True), (30028, False), (10098, True), (30001, False), (30041, False))
        coins = [await a_fallen_coin(world, refused=code, tests_pass=passes) for code, passes in cases]
        await world.advance(1.5)
        health = world.bus.health["exits"]
        assert health.status is HealthStatus.DEGRADED
        assert all(f"{coin.symbol}:1 live is to be sold, and " in health.detail for coin in coins), health.detail
        await world.advance(12)
        for coin in coins:
            assert len(sales_of(world, coin)) <= (25 if coin.tests_pass else 2)
            coin.refuses_sales = None
        await world.advance(2)
        assert not [coin for coin in coins if world.exchange.ledger.held(coin.asset)]

    played(database_url, play)


@pytest.mark.timeout(120)
def test_a_stop_that_is_refused_thirty_times_is_tried_every_three_seconds(database_url: str) -> None:
    """M11: with an alarm, and never later."""

    async def play(world: World) -> None:
        coin = await a_fallen_coin(world, refused=30005)
        fell_at = world.loop.time()
        while len(sales_of(world, coin)) < 30:
            await world.advance(1)
        times = [fell_at, *sales_of(world, coin)]
        assert max(after - before for before, after in pairwise(times)) < 3.6
        assert f"sales of {coin.symbol}:1 live in a row sold nothing" in world.bus.health["exits"].detail
        coin.refuses_sales = None
        await world.advance(3.6)
        assert not world.exchange.ledger.held(coin.asset)

    played(database_url, play)
