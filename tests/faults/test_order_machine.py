"""However listings, crashes, changes and the exchange interleave: one order each, within limits, all known at last."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

import pytest
from asyncpg import Record
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from cli.composing.express.claim import reservation
from executor.journal.decision_writer import OvertakenError
from executor.journal.held_positions import held
from executor.model.order import ExitReason, Order
from executor.model.order_state import AT_LARGE
from shared.events import Listing, ListingRescheduled, Mode, RawListing, Source
from shared.postgres.database import Database
from tests.support.data.strategies import steady
from tests.support.fakes.venues import Behaviour, Entry
from tests.support.model.order_worlds import (
    ARRIVALS,
    BEHAVIOURS,
    EXPOSURE,
    HAPPENINGS,
    READ_LAG,
    RESET,
    SETTINGS,
    Arrival,
    Happening,
    World,
)
from tests.support.running.executors import Crash, a_coin, configure, rows
from tests.support.running.services import open_database

T = TypeVar("T")
NOT_OURS = "an-order-by-hand"


class OrderMachine(RuleBasedStateMachine):
    """One executor after another, over one database and one exchange."""

    database_url = ""
    loop: asyncio.AbstractEventLoop
    database: Database

    def __init__(self) -> None:
        super().__init__()
        self.do(self._reset())
        self.world = World(self.database)

    def do(self, step: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(step)

    async def _reset(self) -> None:
        async with self.database.connection() as connection:
            await connection.execute(RESET)

    async def _deliver(self, listing: Listing) -> None:
        world = self.world
        async with self.database.connection() as connection:
            config = await connection.fetchrow("SELECT * FROM trade_config")
        before = len(world.executor.to_send)
        await self._handle(listing)
        for order in world.executor.to_send[before:]:
            await self._check_decision(order, config)

    async def _handle(self, listing: Listing) -> None:
        await self.world.executor.handle(listing)

    async def _check_decision(self, order: Order, config: Record | None) -> None:
        """I2 and I3, as of the moment of the decision."""
        assert config is not None
        async with self.database.connection() as connection:
            row = await connection.fetchrow("SELECT * FROM exposure WHERE mode = $1", order.mode)
        assert row is not None
        assert order.quote_qty <= config["max_trade_usdt"]
        assert row["reserved_usdt"] + row["filled_usdt"] <= config["max_position_usdt"]
        assert row["day_orders"] <= SETTINGS.orders_per_day
        assert row["day_spent_usdt"] <= SETTINGS.daily_spend_usdt
        assert not config["halted"]
        assert (order.mode is Mode.LIVE) <= (config["auto_trade"] and order.listing.source is not Source.TEST_INJECTION)
        opened_at = max(order.listing.listed_at, order.listing.opens_at or order.listing.listed_at)
        assert order.decided_at - opened_at <= timedelta(seconds=SETTINGS.listing_age_seconds)

    # What comes from the broker.

    @rule(arrivals=st.lists(ARRIVALS, min_size=1, max_size=4))
    def listings_arrive(self, arrivals: list[Arrival]) -> None:
        """Each is decided on, meets its fate before it is sent, and may come again; it may crash the executor."""
        world = self.world
        for each in arrivals:
            listing = self._listing(each.oddity)
            world.exchange.script.append(each.behaviour)
            world.exchange.read_lag = READ_LAG if each.lags else timedelta(0)
            world.failpoint.armed = each.crashes_at
            for _ in range(each.deliveries):
                self.do(world.run(self._deliver(listing)))
                self._meet(each.fate)
                if each.fate != "not sent yet":
                    self.do(world.run(world.executor.send_all()))
            self._look(each.looks, 0)

    def _meet(self, fate: str) -> None:
        """Let something happen between a decision and its sending."""
        match fate:
            case "halted":
                self._change("halted = true, halted_reason = 'drill'")
            case "asleep":
                self.world.time.pass_by(70)
            case "limits lowered":
                self._change("max_trade_usdt = 33.33, max_position_usdt = 250")

    def _listing(self, oddity: str) -> Listing:
        """Return one never published; against another asset it may be of the coin before."""
        now = self.world.time()
        quote = "USDC" if oddity == "usdc" else "USDT"
        coin = f"C{max(0, len(self.world.told) - (oddity == 'usdc')):02}"
        age = {"ageing": 59, "old": 61}.get(oddity, 0)
        opens_in = {"opens soon": 5, "opens later": 30}.get(oddity)
        injected = oddity == "injected"
        key = f"test:{coin}{quote}:1" if injected else f"{coin}{quote}:1"
        listing = a_coin(
            coin,
            self.world.time,
            symbol=f"{coin}{quote}",
            quote_asset=quote,
            key=key,
            source=Source.TEST_INJECTION if injected else Source.MEXC_WEBSOCKET,
            late=oddity == "late",
            opens_at=None if opens_in is None else now + timedelta(seconds=opens_in),
            **dict.fromkeys(("listed_at", "observed_at"), now - timedelta(seconds=age)),
        )
        return self.world.told.setdefault(key, listing)

    @precondition(lambda self: self.world.told)
    @rule(data=st.data())
    def a_listing_is_delivered_again(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.world.told)))
        self.do(self.world.run(self._deliver(self.world.told[key])))

    @precondition(lambda self: any(each.opens_at for each in self.world.told.values()))
    @rule(data=st.data(), opens_in=st.sampled_from([2, 10, 60]))
    def an_opening_moves(self, data: st.DataObject, opens_in: int) -> None:
        key = data.draw(st.sampled_from(sorted(key for key, each in self.world.told.items() if each.opens_at)))
        described = self.world.told[key].model_dump() | {"opens_at": self.world.time() + timedelta(seconds=opens_in)}
        self.do(self.world.run(self._deliver(ListingRescheduled.model_validate(described))))

    # What the executor does by itself.

    @precondition(lambda self: self.world.executor.to_send)
    @rule()
    def orders_are_sent(self) -> None:
        self.do(self.world.run(self.world.executor.send_all()))

    @rule(looks=st.integers(1, 4), every_seconds=st.sampled_from([0, 0.5, 5]))
    def what_is_at_large_is_looked_up(self, looks: int, every_seconds: float) -> None:
        self._look(looks, every_seconds)

    @rule(picks=st.lists(st.integers(0, 9), min_size=1, max_size=4))
    def the_private_stream_pushes_whatever_it_likes(self, picks: list[int]) -> None:
        sent = [NOT_OURS, *(each.request.client_order_id for each in self.world.exchange.entries)]
        self.do(self.world.run(self._hint([sent[pick % len(sent)] for pick in picks])))

    async def _hint(self, hinted: list[str]) -> None:
        for sent_as in hinted:
            if not self.world.executor.resolver.hint(sent_as):
                self.world.executor.recheck.hint(sent_as)
        await self.world.executor.resolver.look_up_due()
        await self.world.executor.recheck.look()

    def _look(self, looks: int, every_seconds: float) -> None:
        for _ in range(looks):
            self.do(self.world.run(self.world.executor.resolve()))
            self.world.time.pass_by(every_seconds)

    @rule(late=st.sampled_from([-0.01, 0.5, 5]))
    def an_opening_comes(self, late: float) -> None:
        fire_at = self.do(self._next_opening())
        if fire_at is not None:
            self.world.time.jump_to(fire_at + timedelta(seconds=late))
            self.do(self.world.run(self.world.executor.fire_due()))

    @rule(share=st.sampled_from([Decimal(1), Decimal("0.5")]))
    def a_position_is_sold(self, share: Decimal) -> None:
        self.do(self.world.run(self._sell(share)))

    # What happens to it.

    @rule(happening=HAPPENINGS)
    def something_happens(self, happening: Happening) -> None:
        kind, value = happening
        match kind:
            case "crash":
                self.do(self.world.run(self._crash()))
            case "time":
                self.world.time.pass_by(float(value))
            case "config":
                self._change(value)
            case "exchange":
                self.world.exchange.down = value == "down"
                self.world.exchange.asks_there = value != "empty"

    @rule(script=st.lists(BEHAVIOURS, min_size=1, max_size=3))
    def the_exchange_will(self, script: list[Behaviour]) -> None:
        self.world.exchange.script.extend(script)

    def _change(self, assignments: str) -> None:
        self.do(configure(self.database, assignments))

    async def _crash(self) -> None:
        raise Crash

    # What always holds.

    @invariant()
    def nothing_was_sent_that_should_not_have_been(self) -> None:
        assert self.world.violations == []

    @invariant()
    def no_listing_has_two_orders_at_the_exchange(self) -> None:
        bought: dict[str, list[Entry]] = {}
        for each in self.world.exchange.entries:
            if each.request.side == "BUY":
                bought.setdefault(each.order.listing.key, []).append(each)
        assert self.world.exchange.repeated() == []
        for attempts in bought.values():
            assert len(attempts) <= SETTINGS.entry_attempts
            # A further attempt follows only one that ended with nothing filled.
            assert all(each.fill is None and not each.working for each in attempts[:-1])

    @invariant()
    def the_journal_agrees_with_itself_and_covers_the_exchange(self) -> None:
        self.do(self._check_books())

    async def _check_books(self) -> None:
        async with self.database.connection() as connection:
            exposures = {row["mode"]: row for row in await connection.fetch(EXPOSURE)}
            earlier = {row["attempt_id"] for row in await connection.fetch("SELECT attempt_id FROM order_attempts")}
            positions = await connection.fetch("SELECT * FROM positions WHERE state NOT IN ('closed', 'written_off')")
        orders = await rows(self.database)
        for mode, exposure in exposures.items():
            mine = [row for row in orders if row["mode"] == mode]
            at_large = [row["quote_qty"] for row in mine if row["state"] in AT_LARGE]
            assert exposure["reserved_usdt"] == sum(at_large)
            assert exposure["filled_usdt"] == sum(row["cost_usdt"] for row in positions if row["mode"] == mode)
        live = exposures["live"]
        assert self.world.exchange.at_stake() <= live["reserved_usdt"] + live["filled_usdt"]
        known = {row["attempt_id"] or row["client_order_id"]: row for row in orders}
        for entry in self.world.exchange.entries:
            row = known.get(entry.request.client_order_id)
            if row is None:
                assert entry.request.client_order_id in earlier
                continue
            assert row["state"] not in {"armed", "rejected", "failed"}, "the exchange has what the journal gave up"
            assert row["mode"] == "live"

    def teardown(self) -> None:
        """Everything heals: nothing stays at large, and both ledgers agree."""
        self.do(self._heal())

    async def _heal(self) -> None:
        world = self.world
        world.exchange.script.clear()
        world.exchange.down, world.exchange.read_lag = False, timedelta(0)
        world.restart()
        for _ in range(12):
            await world.executor.resolve()
            world.time.pass_by(5)
        assert [row["state"] for row in await rows(self.database) if row["state"] in AT_LARGE] == []
        await self._check_books()
        filled = {
            row["attempt_id"] or row["client_order_id"]: (row["executed_qty"], row["cost"], row["fee"])
            for row in await rows(self.database)
            if row["mode"] == "live" and row["executed_qty"]
        }
        assert filled == {
            each.request.client_order_id: (each.fill.base_qty, each.fill.cost, each.fill.fee)
            for each in world.exchange.entries
            if each.fill is not None
        }

    async def _next_opening(self) -> datetime | None:
        orders = await self.world.executor.books.armed(list(Mode))
        return min((order.fire_at for order in orders if order.fire_at is not None), default=None)

    async def _sell(self, share: Decimal) -> None:
        executor = self.world.executor
        for each in (await held(self.database))[:1]:
            quantity = (each.position.base_qty * share).quantize(Decimal("0.01"))
            sale = await executor.journal.sell(each.position, quantity, ExitReason.BY_HAND)
            if sale is not None:
                executor.send(sale)


class ExpressMachine(OrderMachine):
    """The same with each listing bought ahead of its announcement where the last reading, however old, is for it."""

    async def _handle(self, listing: Listing) -> None:
        executor = self.world.executor
        if executor.decisions.last is None:
            await executor.handle.read_ahead()
        if listing.source is not Source.TEST_INJECTION and not isinstance(listing, ListingRescheduled):
            with suppress(OvertakenError):
                raw = RawListing.model_validate(listing.model_dump())
                await executor.handle.at_once(listing, reservation(raw, listing))
        await super()._handle(listing)

    async def _check_books(self) -> None:
        """Each order that was bought ahead has its claim, and each claim its order."""
        await super()._check_books()
        async with self.database.connection() as connection:
            claimed = {row["listing_key"] for row in await connection.fetch("SELECT listing_key FROM listing_claims")}
        assert claimed <= {row["listing_key"] for row in await rows(self.database)}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("machine", [OrderMachine, ExpressMachine])
def test_orders_survive_whatever_happens(database_url: str, machine: type[OrderMachine]) -> None:
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        opening = open_database(database_url)
        OrderMachine.loop, OrderMachine.database = loop, loop.run_until_complete(opening.__aenter__())
        try:
            run_state_machine_as_test(
                machine,
                settings=settings(
                    steady, max_examples=40, stateful_step_count=40, suppress_health_check=list(HealthCheck)
                ),
            )
        finally:
            loop.run_until_complete(opening.__aexit__(None, None, None))
