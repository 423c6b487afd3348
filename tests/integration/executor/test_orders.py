"""From a listing to what became of its order, on the real database, with the exchange played by the test."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from executor.halts.halt_causes import HaltCause
from executor.model.order import Order
from executor.settings import ExecutorSettings
from executor.supervision.exposure_metrics import show_exposure
from executor.venues.venue import Attempt
from shared.events import Mode, Source
from shared.mexc.orders.order_api import MayWrite, OrderRequest, SignedOrder
from shared.mexc.orders.order_connection import LINES
from shared.postgres.database import Database
from tests.support.fakes.venues import Behaviour, ModelExchange, ModelVenue
from tests.support.running.executors import Crash, Executor, Failpoints, Time, a_coin, configure, trades
from tests.waiting import eventually


@pytest.fixture
async def live(database: Database, executor: Executor) -> Executor:
    await configure(database, "auto_trade = true")
    return executor


async def told(executor: Executor) -> list[tuple[str, str, str]]:
    """Mode, state and reason of every order."""
    rows = await executor.rows()
    return [(row["mode"], row["state"], (row["error_reason"] or "").partition(":")[0]) for row in rows]


async def settled(executor: Executor) -> None:
    """Let as much time pass as it takes, and look everything up."""
    for _ in range(18):
        await executor.resolve()
        executor.time.pass_by(10)


async def test_a_dry_run_fills_from_the_book_and_sends_nothing(
    executor: Executor, exchange: ModelExchange, time: Time
) -> None:
    await executor.buy(a_coin("NEW", time))

    [trade] = await trades(executor.database)
    assert (trade["mode"], trade["status"], trade["quote_qty"]) == ("dry-run", "filled", "95.23")
    assert exchange.received == []


async def test_an_order_is_committed_before_it_is_sent(live: Executor, exchange: ModelExchange, time: Time) -> None:
    states: list[str] = []

    async def look(*_: object) -> None:
        states.extend(row["state"] for row in await live.rows())

    exchange.on_request = look
    await live.buy(a_coin("NEW", time))

    assert states == ["sending"]


async def test_a_hundred_deliveries_to_two_executors_send_one_order(
    database: Database, live: Executor, exchange: ModelExchange, time: Time
) -> None:
    executors, listing = [live, Executor(database, exchange, time)], a_coin("NEW", time)

    await asyncio.gather(*(executors[number % 2].handle(listing) for number in range(100)))
    for each in executors:
        await each.send_all()
        await each.resolve()

    assert len(exchange.received) == 1
    assert await told(live) == [("live", "filled", "")]
    assert [trade["status"] for trade in await trades(database)] == ["filled"]


@pytest.mark.parametrize(
    ("behaviour", "end", "stake"),
    [
        (Behaviour.FILL, ("live", "filled", ""), "95.23"),
        (Behaviour.FILL_PARTLY, ("live", "partially_filled", ""), "20.04"),
        (Behaviour.REST, ("live", "expired", "not_filled"), "0.00"),
        (Behaviour.LOSE_ANSWER, ("live", "filled", ""), "95.23"),
        (Behaviour.SWALLOW, ("live", "failed", "never_arrived"), "0.00"),
        (Behaviour.REFUSE, ("live", "rejected", "insufficient_balance"), "0.00"),
    ],
)
async def test_whatever_the_exchange_does_its_order_is_sent_once_and_known_in_the_end(
    live: Executor, exchange: ModelExchange, time: Time, behaviour: Behaviour, end: tuple[str, str, str], stake: str
) -> None:
    exchange.script.append(behaviour)

    await live.buy(a_coin("NEW", time))
    await settled(live)

    found = await live.stake(Mode.LIVE)
    assert await told(live) == [end]
    assert (str(found.reserved_usdt), str(found.held_usdt)) == ("0.00", stake)
    assert len(exchange.received) == 1


@pytest.mark.parametrize("behaviour", [Behaviour.CUT, Behaviour.NOT_OPEN, Behaviour.TOO_DEAR, Behaviour.UNTIMELY])
async def test_what_is_certainly_no_order_is_asked_for_again(
    live: Executor, exchange: ModelExchange, time: Time, behaviour: Behaviour
) -> None:
    exchange.script.append(behaviour)

    await live.buy(a_coin("NEW", time))
    await live.resolve()

    assert await told(live) == [("live", "filled", "")]
    assert len(exchange.entries) == 1


async def test_an_unanswered_order_that_shows_late_is_found_and_keeps_its_reservation_until_then(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    exchange.script.append(Behaviour.LOSE_ANSWER)
    exchange.read_lag = timedelta(seconds=9)
    await live.buy(a_coin("NEW", time))
    for _ in range(8):
        await live.resolve()
        time.pass_by(1)

    assert await told(live) == [("live", "unknown", "outcome_unknown")]
    assert (await live.stake(Mode.LIVE)).reserved_usdt == 100
    await settled(live)
    assert await told(live) == [("live", "filled", "")]


async def test_an_order_that_the_exchange_cannot_be_asked_about_stays_open(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    exchange.script.append(Behaviour.SWALLOW)
    await live.buy(a_coin("NEW", time))
    exchange.down = True

    await settled(live)

    assert await told(live) == [("live", "unknown", "outcome_unknown")]
    assert await live.resolver.obstacles(Mode.LIVE)


@pytest.mark.parametrize(
    ("point", "end", "received"),
    [
        ("after_commit", ("live", "failed", "never_arrived"), 0),
        ("before_write", ("live", "failed", "never_arrived"), 0),
        ("after_write", ("live", "filled", ""), 1),
        ("before_record", ("live", "filled", ""), 1),
        ("before_record_commits", ("live", "filled", ""), 1),
        ("after_record", ("live", "filled", ""), 1),
    ],
)
async def test_an_order_whose_executor_died_is_never_sent_again(
    database: Database, exchange: ModelExchange, time: Time, point: str, end: tuple[str, str, str], received: int
) -> None:
    await configure(database, "auto_trade = true")
    died, listing = Executor(database, exchange, time, failpoint=Failpoints(point)), a_coin("NEW", time)
    with pytest.raises(Crash):
        await died.buy(listing)

    restarted = Executor(database, exchange, time)
    await restarted.buy(listing)
    await settled(restarted)

    assert await told(restarted) == [end]
    assert len(exchange.received) == received


async def test_an_executor_that_died_before_its_decision_was_committed_decides_again(
    database: Database, exchange: ModelExchange, time: Time
) -> None:
    died, listing = Executor(database, exchange, time, failpoint=Failpoints("before_commit")), a_coin("NEW", time)
    with pytest.raises(Crash):
        await died.buy(listing)

    await Executor(database, exchange, time).buy(listing)

    assert await told(died) == [("dry-run", "filled", "")]


async def test_a_process_that_wakes_up_late_sends_nothing(live: Executor, exchange: ModelExchange, time: Time) -> None:
    await live.handle(a_coin("NEW", time))
    time.pass_by(61)

    await live.send_all()

    assert await told(live) == [("live", "expired", "stale_listing")]
    assert exchange.received == []


async def test_no_request_begins_once_trading_is_halted_however_many_wait_for_a_line(
    database: Database, exchange: ModelExchange, time: Time
) -> None:
    """Those who wait for the answers of others are asked for a halt when their turn comes, not before."""
    await configure(database, "auto_trade = true")
    executor, answer = Executor(database, exchange, time), asyncio.Event()

    async def hold(*_: object) -> None:
        await answer.wait()

    exchange.on_request = hold
    for number in range(LINES + 5):
        await executor.handle(a_coin(f"NEW{number}", time))
    await executor.look_for_halts()
    async with asyncio.TaskGroup() as under_way:
        for order in executor.to_send:
            under_way.create_task(executor.placing.place(order))
        await eventually(lambda: len(exchange.received) == LINES)
        executor.halts.halt(HaltCause.SIGNAL, None, "drill")
        answer.set()

    assert len(exchange.received) == LINES
    assert [state for _, state, _ in await told(executor)] == ["acknowledged"] * LINES + ["rejected"] * 5


class SigningVenue(ModelVenue):
    """Remembers what it was asked to prepare."""

    def __init__(self, exchange: ModelExchange) -> None:
        super().__init__(exchange)
        self.signed: list[OrderRequest] = []

    def sign(self, request: OrderRequest, /, *, at_ms: int | None = None) -> SignedOrder:
        self.signed.append(request)
        return super().sign(request, at_ms=at_ms)


async def test_a_purchase_is_signed_while_it_is_committed_and_that_very_request_is_sent(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    venue = live.venues[Mode.LIVE] = SigningVenue(exchange)
    await live.handle(a_coin("NEW", time))
    ahead, received_before = list(venue.signed), list(exchange.received)

    await live.send_all()

    assert received_before == []
    assert len(ahead) == 1
    assert venue.signed == ahead
    assert exchange.received[0] is ahead[0]


async def test_what_was_signed_ahead_and_then_held_up_is_signed_again(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    venue = live.venues[Mode.LIVE] = SigningVenue(exchange)
    await live.handle(a_coin("NEW", time))
    time.pass_by(live.settings.recv_window_ms / 1000)

    await live.send_all()

    assert len(venue.signed) == 2
    assert [row["state"] for row in await live.rows()] == ["acknowledged"]


async def test_what_was_made_ahead_for_one_order_is_not_sent_for_another(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    for name in ("ONE", "TWO"):
        await live.handle(a_coin(name, time))

    await live.send_all()

    assert [request.symbol for request in exchange.received] == ["ONEUSDT", "TWOUSDT"]


async def test_of_several_orders_at_once_each_is_sent_as_it_was_signed_while_it_was_committed(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    venue = live.venues[Mode.LIVE] = SigningVenue(exchange)
    for name in ("ONE", "TWO"):
        await live.handle(a_coin(name, time))
    ahead = list(venue.signed)
    live.to_send.reverse()

    await live.send_all()

    assert [request.symbol for request in ahead] == ["ONEUSDT", "TWOUSDT"]
    assert venue.signed == ahead
    assert [id(request) for request in exchange.received] == [id(request) for request in reversed(ahead)]
    assert made_ahead(live) == []


def made_ahead(executor: Executor) -> list[str]:
    """Return the ids of the orders whose requests are made and not yet sent."""
    return list(vars(executor.placing)["_ahead"])


async def test_a_purchase_that_a_halt_keeps_from_its_commit_leaves_no_request_behind(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    venue = live.venues[Mode.LIVE] = SigningVenue(exchange)
    await live.buy(a_coin("ONE", time))
    await configure(live.database, "halted = true, halted_reason = 'drill'")

    await live.handle(a_coin("TWO", time))

    assert [request.symbol for request in venue.signed] == ["ONEUSDT", "TWOUSDT"]
    assert made_ahead(live) == []


async def test_a_purchase_that_is_cancelled_while_it_is_committed_leaves_no_request_behind(
    live: Executor, time: Time
) -> None:
    await live.buy(a_coin("ONE", time))
    async with live.database.transaction() as other:
        await other.execute("SELECT FROM trade_config FOR UPDATE")
        buying = asyncio.create_task(live.handle(a_coin("TWO", time)))
        await eventually(lambda: made_ahead(live) != [])

        buying.cancel()
        await asyncio.wait([buying])

    assert buying.cancelled()
    assert made_ahead(live) == []


async def test_what_cannot_be_made_ahead_is_made_when_it_is_sent(
    live: Executor, exchange: ModelExchange, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Order) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(live.composer, "from_data_at_hand", fail)
    await live.handle(a_coin("NEW", time))
    monkeypatch.undo()

    await live.send_all()

    assert [row["state"] for row in await live.rows()] == ["acknowledged"]


class ConnectingVenue(ModelVenue):
    """Takes its time to connect: long enough for somebody to halt."""

    def __init__(self, executor: Executor) -> None:
        super().__init__(executor.exchange)
        self._halts = executor.halts

    async def send(self, order: Order, signed: SignedOrder, may_write: MayWrite, /) -> Attempt:
        self._halts.halt(HaltCause.SIGNAL, None, "drill")
        return await super().send(order, signed, may_write)


async def test_a_halt_while_a_line_connects_stops_what_was_to_be_written_on_it(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    live.venues[Mode.LIVE] = ConnectingVenue(live)

    await live.buy(a_coin("NEW", time))

    assert exchange.received == []
    assert await told(live) == [("live", "rejected", "halted")]


class BrieflyHaltedVenue(ModelVenue):
    """Trading is halted while it connects, and resumed before it returns."""

    def __init__(self, executor: Executor) -> None:
        super().__init__(executor.exchange)
        self._executor = executor

    async def send(self, order: Order, signed: SignedOrder, may_write: MayWrite, /) -> Attempt:
        self._executor.halts.halt(HaltCause.SIGNAL, None, "drill")
        attempt = await super().send(order, signed, may_write)
        await self._executor.look_for_halts()
        await configure(self._executor.database, "resumed_at = clock_timestamp()")
        await self._executor.look_for_halts()
        assert not self._executor.halts.buys_halted(order.mode)
        return attempt


async def test_an_order_that_was_held_back_has_the_reason_of_then(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    live.venues[Mode.LIVE] = BrieflyHaltedVenue(live)

    await live.buy(a_coin("NEW", time))

    assert exchange.received == []
    assert [row["error_reason"] for row in await live.rows()] == ["halted: signal: drill"]


async def test_a_halt_file_stops_what_is_decided_already(
    database: Database, exchange: ModelExchange, time: Time, tmp_path: Path
) -> None:
    await configure(database, "auto_trade = true")
    executor = Executor(database, exchange, time, halt_file=tmp_path / "halt")
    await executor.handle(a_coin("NEW", time))
    (tmp_path / "halt").touch()
    executor.halts.look_for_file()

    await executor.send_all()

    assert await told(executor) == [("live", "rejected", "halted")]
    assert exchange.received == []


async def test_more_listings_at_once_than_can_be_true_halt(
    database: Database, exchange: ModelExchange, time: Time
) -> None:
    executor = Executor(database, exchange, time, ExecutorSettings(listings_per_minute_max=3))

    for number in range(5):
        await executor.buy(a_coin(f"NEW{number}", time))

    assert executor.latched == [HaltCause.MASS_LISTING] * 2
    assert [state for _, state, _ in await told(executor)] == ["filled"] * 3 + ["rejected"] * 2


async def test_of_what_appeared_late_only_what_has_just_opened_is_one_of_a_mass(
    database: Database, exchange: ModelExchange, time: Time
) -> None:
    executor = Executor(database, exchange, time, ExecutorSettings(listings_per_minute_max=1))
    opened = {"just": time(), "long": time() - timedelta(hours=1), "soon": time() + timedelta(hours=1), "never": None}

    for when in ("long", "soon", "never", "just"):
        for number in range(2):
            await executor.buy(a_coin(f"{when.upper()}{number}", time, late=True, opens_at=opened[when]))
        assert executor.latched == ([HaltCause.MASS_LISTING] if when == "just" else [])


async def test_injections_are_no_mass_listing(database: Database, exchange: ModelExchange, time: Time) -> None:
    executor = Executor(database, exchange, time, ExecutorSettings(listings_per_minute_max=1))

    for number in range(3):
        injected = a_coin(f"NEW{number}", time, key=f"test:NEW{number}USDT:1", source=Source.TEST_INJECTION)
        await executor.buy(injected)

    assert executor.latched == []


async def test_decisions_and_orders_are_counted_by_what_came_of_them(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    listing = a_coin("NEW", time)
    exchange.script.extend([Behaviour.FILL, Behaviour.REFUSE])
    for each in (listing, listing, a_coin("TWO", time), a_coin("OLD", time, late=True)):
        await live.buy(each)
    await live.resolve()

    assert live.metric("decisions_total", outcome="buy", reason="") == 2
    assert live.metric("decisions_total", outcome="repeated", reason="") == 1
    assert live.metric("decisions_total", outcome="refused", reason="stale_listing") == 1
    assert live.metric("decision_seconds_count") == 4
    labels = {"mode": "live", "side": "BUY"}
    assert live.metric("orders_total", **labels, state="filled", reason="") == 1
    assert live.metric("orders_total", **labels, state="rejected", reason="insufficient_balance") == 1


async def test_what_is_at_stake_is_shown(executor: Executor, time: Time) -> None:
    await executor.buy(a_coin("NEW", time))

    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(show_exposure(executor.database, executor.metrics.show_exposure))
        await eventually(lambda: executor.metric("exposure_usdt", mode="dry-run", state="held") == 95.23)
        watching.cancel()

    assert executor.metric("exposure_usdt", mode="dry-run", state="reserved") == Decimal(0)
