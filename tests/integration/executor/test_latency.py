"""Latency of a trade: from the decision to the exchange's answer, by whichever way that came."""

import pytest

from executor.journal.held_positions import held
from executor.model.order import ExitReason
from executor.venues.venue import AGAIN_AFTER
from shared.events import Trade
from shared.postgres.database import Database
from tests.support.fakes.venues import Behaviour, ModelExchange
from tests.support.running.executors import Crash, Executor, Failpoints, Time, a_coin, configure, trades

LOST_SECONDS = 7


@pytest.fixture
async def live(database: Database, executor: Executor) -> Executor:
    await configure(database, "auto_trade = true")
    return executor


async def last(executor: Executor) -> Trade:
    return Trade.model_validate((await trades(executor.database))[-1])


async def test_an_answered_order_has_the_latency_of_its_answer(live: Executor, time: Time) -> None:
    await live.buy(a_coin("NEW", time))
    time.pass_by(LOST_SECONDS)
    await live.resolve()

    trade = await last(live)
    assert trade.status == "filled"
    assert trade.ack_latency_ms == trade.latency_ms < LOST_SECONDS * 1_000


async def test_an_order_whose_answer_was_lost_has_that_of_the_look_up(live: Executor, time: Time) -> None:
    live.exchange.script.append(Behaviour.LOSE_ANSWER)
    await live.buy(a_coin("NEW", time))
    pending = await last(live)
    time.pass_by(LOST_SECONDS)
    await live.resolve()

    trade = await last(live)
    assert (pending.status, pending.latency_ms, pending.ack_latency_ms) == ("pending", 0, None)
    assert (trade.status, trade.ack_latency_ms) == ("filled", None)
    assert trade.latency_ms >= LOST_SECONDS * 1_000


@pytest.mark.parametrize("point", ["before_record", "before_record_commits"])
@pytest.mark.parametrize("behaviour", [Behaviour.FILL, Behaviour.FILL_PARTLY, Behaviour.FILL_NOTHING])
async def test_an_order_found_after_a_crash_has_the_time_that_took(
    database: Database, exchange: ModelExchange, time: Time, point: str, behaviour: Behaviour
) -> None:
    await configure(database, "auto_trade = true")
    exchange.script.append(behaviour)
    crashing = Executor(database, exchange, time, failpoint=Failpoints(armed=""))
    await crashing.handle(a_coin("NEW", time))
    crashing.failpoint.armed = point
    with pytest.raises(Crash):
        await crashing.send_all()
    time.pass_by(LOST_SECONDS)

    await Executor(database, exchange, time).resolve()

    trade = await last(crashing)
    assert trade.status in {"filled", "rejected"}
    assert trade.ack_latency_ms is None
    assert trade.latency_ms >= LOST_SECONDS * 1_000


async def test_a_sale_whose_answer_was_lost_has_that_of_the_look_up(live: Executor, time: Time) -> None:
    await live.buy(a_coin("NEW", time))
    await live.resolve()
    [each] = await held(live.database)
    sale = await live.journal.sell(each.position, each.position.base_qty, ExitReason.STOP_LOSS)
    assert sale is not None
    live.exchange.script.append(Behaviour.LOSE_ANSWER)
    await live.look_for_halts()
    await live.placing.place(sale)
    time.pass_by(LOST_SECONDS)
    await live.resolve()

    trade = await last(live)
    assert (trade.side, trade.status, trade.ack_latency_ms) == ("SELL", "filled", None)
    assert trade.latency_ms >= LOST_SECONDS * 1_000


async def test_an_order_that_appears_after_it_was_given_up_has_the_time_that_took(live: Executor, time: Time) -> None:
    live.exchange.read_lag = AGAIN_AFTER[2]
    live.exchange.script.append(Behaviour.LOSE_ANSWER)
    await live.buy(a_coin("NEW", time))
    for _ in range(20):
        time.pass_by(3)
        await live.resolve()
    given_up = await last(live)
    time.pass_by(AGAIN_AFTER[2].total_seconds())
    await live.recheck.look()

    trade = await last(live)
    assert (given_up.status, given_up.latency_ms) == ("failed", 0)
    assert (trade.status, trade.ack_latency_ms) == ("filled", None)
    assert trade.latency_ms >= AGAIN_AFTER[2].total_seconds() * 1_000


async def test_an_order_that_never_left_has_none(live: Executor, time: Time) -> None:
    live.exchange.asks_there = False
    live.exchange.otherwise = Behaviour.CUT
    await live.buy(a_coin("NEW", time))

    trade = await last(live)
    assert trade.status in {"failed", "rejected"}
    assert (trade.latency_ms, trade.ack_latency_ms) == (0, None)


async def test_a_paper_order_has_the_latency_of_its_book(database: Database, executor: Executor, time: Time) -> None:
    await configure(database, "auto_trade = false")
    await executor.buy(a_coin("NEW", time))

    trade = await last(executor)
    assert (trade.mode, trade.status) == ("dry-run", "filled")
    assert trade.ack_latency_ms == trade.latency_ms
