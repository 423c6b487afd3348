"""Contract of every venue that orders rely on: the exchange, its dry run, and the one that tests play."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from decimal import Decimal
from typing import Final

import pytest

from executor.model.fill import Fill
from executor.model.order import Order
from executor.model.send_result import Accepted, Executed, NotOpen, Rejected, Unanswered, Unsent
from executor.settings import ExecutorSettings
from executor.venues.credentials import Credentials
from executor.venues.exchange_connections import open_exchange
from executor.venues.venue import Absent, Attempt, Ended, Finding, Venue, Way, Working
from shared.events import Mode, Side
from shared.mexc.orders.order_api import OrderRequest, always
from tests.support.data.builders import a_listing, an_order
from tests.support.fakes.limiters import a_limiter
from tests.support.fakes.venues import Behaviour, ModelExchange, ModelVenue
from tests.support.running.executors import Time
from tests.support.running.simulators import Simulator, simulator_in_this_process
from tests.waiting import eventually

SYMBOL: Final = "NEWUSDT"
ORDER: Final = an_order(listing=a_listing(symbol=SYMBOL, base_asset="NEW"), client_order_id="snNEW")
PRICE: Final = Decimal(2)
SETTINGS: Final = ExecutorSettings(exchange_timeout_seconds=1, market_after_seconds=0)
"""The simulated exchange takes MARKET orders from the first second on, unless configured otherwise."""


def a_request(order: Order = ORDER, **overrides: object) -> OrderRequest:
    described = {
        "symbol": SYMBOL,
        "side": order.side,
        "type": "IMMEDIATE_OR_CANCEL",
        "client_order_id": order.client_order_id,
        "quantity": Decimal(40),
        "price": Decimal("2.10"),
    }
    return OrderRequest(**described | overrides)  # type: ignore[arg-type]


class Ground(ABC):
    """A venue, and a hand on the exchange behind it. One coin is there, offered at two dollars."""

    venue: Venue
    hears_of_orders = True
    """A dry run without keys asks for the book and nothing else."""

    @abstractmethod
    async def arrange(self, behaviour: Behaviour) -> None:
        """Have the exchange do that with the next request."""

    @abstractmethod
    async def received(self) -> int:
        """How many order requests arrived, tests included."""

    async def send(self, order: Order = ORDER, request: OrderRequest | None = None) -> Attempt:
        return await self.venue.send(order, self.venue.sign(request or a_request(order)), always)

    async def fill(self, order: Order, attempt: Attempt) -> Fill | None:
        """Return the fill of *order*, from the answer or from a look-up."""
        if isinstance(attempt.verdict, Executed):
            return attempt.verdict.fill
        assert isinstance(attempt.verdict, Accepted)

        async def ended() -> Finding | None:
            finding = await self.venue.look_up(order)
            return finding if isinstance(finding, Ended) else None

        found = await eventually(ended)
        assert isinstance(found, Ended)
        assert found.exchange_order_id == attempt.verdict.exchange_order_id
        return found.fill


class ModelGround(Ground):
    def __init__(self) -> None:
        self._exchange = ModelExchange(Time())
        self.venue = ModelVenue(self._exchange)

    async def arrange(self, behaviour: Behaviour) -> None:
        self._exchange.script.append(behaviour)

    async def received(self) -> int:
        return len(self._exchange.received)


class SimulatorGround(Ground):
    def __init__(self, simulator: Simulator, venue: Venue, *, leaves_orders: bool) -> None:
        self._simulator = simulator
        self.venue = venue
        self._endpoint = f"POST /api/v3/order{'' if leaves_orders else '/test'}"

    async def arrange(self, behaviour: Behaviour) -> None:
        match behaviour:
            case Behaviour.FILL_PARTLY:
                await self._simulator.change_coin(SYMBOL, asks=[["2", "10.01"]])
            case Behaviour.FILL_NOTHING:
                await self._simulator.change_coin(SYMBOL, asks=[["3", "100"]])
            case Behaviour.REFUSE:
                await self._simulator.arm("api_error", endpoint=self._endpoint, code=30018, message="no")
            case Behaviour.NOT_OPEN:
                await self._simulator.arm("api_error", endpoint=self._endpoint, code=30001, message="not open")
            case Behaviour.LOSE_ANSWER:
                await self._simulator.arm("hang_after_accept")
            case Behaviour.SWALLOW:
                await self._simulator.arm("hang_before_accept")
            case Behaviour.REST:
                pass  # A limit order below the market does.
            case _:
                raise NotImplementedError(behaviour)

    async def received(self) -> int:
        return len(await self._simulator.orders())


@pytest.fixture(params=["model", "live", "dry run", "dry run without keys"])
async def ground(request: pytest.FixtureRequest) -> AsyncIterator[Ground]:
    if request.param == "model":
        yield ModelGround()
        return
    async with AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(simulator_in_this_process())
        await simulator.list_coin(SYMBOL, price="2", swing="0", asks=[["2", "1000"]], bids=[["1.99", "1000"]])
        keys = None if "without" in request.param else Credentials(simulator.api_key, simulator.api_secret)
        live = request.param == "live"
        opening = open_exchange(simulator.rest_url, keys, SETTINGS, a_limiter(), live=live)
        exchange = await stack.enter_async_context(opening)
        await eventually(exchange.is_ready)
        mode = Mode.LIVE if live else Mode.DRY_RUN
        opened = SimulatorGround(simulator, exchange.venues[mode], leaves_orders=live)
        opened.hears_of_orders = keys is not None
        yield opened


async def test_preparing_sends_nothing_and_each_sending_is_one_request(ground: Ground) -> None:
    signed = ground.venue.sign(a_request())
    before = await ground.received()

    attempt = await ground.venue.send(ORDER, signed, always)

    assert before == 0
    assert isinstance(attempt.verdict, Accepted | Executed)
    assert await ground.received() <= 1


async def test_no_request_about_an_order_is_written_that_may_not_be_any_more(ground: Ground) -> None:
    attempt = await ground.venue.send(ORDER, ground.venue.sign(a_request()), lambda: False)

    assert await ground.received() == 0
    assert isinstance(attempt.verdict, Unsent if ground.hears_of_orders else Executed)


async def test_an_order_that_is_taken_gets_what_it_asked_for_at_the_price_on_offer(ground: Ground) -> None:
    fill = await ground.fill(ORDER, await ground.send())

    assert fill is not None
    assert (fill.base_qty, fill.cost, fill.complete) == (Decimal(40), Decimal(80), True)
    assert (fill.fee, fill.fee_asset) == (Decimal("0.04"), "USDT")


async def test_money_that_is_to_be_spent_is_spent_and_not_more(ground: Ground) -> None:
    request = OrderRequest(
        symbol=SYMBOL, side=Side.BUY, type="MARKET", client_order_id="snNEW", quote_order_qty=Decimal("33.33")
    )

    fill = await ground.fill(ORDER, await ground.send(request=request))

    assert fill is not None
    assert Decimal("33.31") < fill.cost <= Decimal("33.33")


async def test_what_there_is_too_little_of_is_bought_in_part(ground: Ground) -> None:
    await ground.arrange(Behaviour.FILL_PARTLY)

    fill = await ground.fill(ORDER, await ground.send())

    assert fill is not None
    assert (fill.base_qty, fill.cost, fill.complete) == (Decimal("10.01"), Decimal("20.02"), False)


async def test_what_is_offered_only_for_more_is_not_bought(ground: Ground) -> None:
    await ground.arrange(Behaviour.FILL_NOTHING)

    assert await ground.fill(ORDER, await ground.send()) is None


async def test_what_was_bought_can_be_sold(ground: Ground) -> None:
    await ground.fill(ORDER, await ground.send())
    sale = replace(ORDER, side=Side.SELL, sequence=2, client_order_id="snNEWs1", base_qty=Decimal(40))

    fill = await ground.fill(sale, await ground.send(sale, a_request(sale, price=Decimal("1.90"))))

    assert fill is not None
    assert (fill.base_qty, fill.complete) == (Decimal(40), True)
    assert Decimal("1.9") * 40 <= fill.cost <= PRICE * 40


async def test_nobody_knows_of_an_order_that_was_never_sent(ground: Ground) -> None:
    assert await ground.venue.look_up(ORDER) == Absent()


@pytest.mark.parametrize("ground", ["model", "live", "dry run"], indirect=True)
@pytest.mark.parametrize(("behaviour", "verdict"), [(Behaviour.REFUSE, Rejected), (Behaviour.NOT_OPEN, NotOpen)])
async def test_a_refused_order_leaves_none(ground: Ground, behaviour: Behaviour, verdict: type) -> None:
    await ground.arrange(behaviour)

    attempt = await ground.send()

    assert isinstance(attempt.verdict, verdict)
    assert await ground.venue.look_up(ORDER) == Absent()


@pytest.mark.parametrize("ground", ["model", "live"], indirect=True)
async def test_an_order_whose_answer_was_lost_is_found_by_its_name(ground: Ground) -> None:
    await ground.arrange(Behaviour.LOSE_ANSWER)

    attempt = await ground.send()
    found = await ground.venue.look_up(ORDER)

    assert isinstance(attempt.verdict, Unanswered)
    assert isinstance(found, Ended)
    assert found.fill is not None
    assert found.fill.cost == Decimal(80)


@pytest.mark.parametrize("ground", ["model", "live"], indirect=True)
async def test_an_order_that_got_lost_is_unanswered_and_absent(ground: Ground) -> None:
    await ground.arrange(Behaviour.SWALLOW)

    attempt = await ground.send()

    assert isinstance(attempt.verdict, Unanswered)
    assert await ground.venue.look_up(ORDER) == Absent()


@pytest.mark.parametrize("ground", ["model", "live"], indirect=True)
async def test_an_order_that_rests_works_until_it_is_cancelled(ground: Ground) -> None:
    """Ours never rest, unless the exchange takes them for another kind."""
    await ground.arrange(Behaviour.REST)
    attempt = await ground.send(request=a_request(type="LIMIT", price=Decimal("1.95")))
    assert isinstance(attempt.verdict, Accepted)
    working = await ground.venue.look_up(ORDER)

    await ground.venue.cancel(ORDER, attempt.verdict.exchange_order_id)

    assert working == Working(attempt.verdict.exchange_order_id)
    assert await ground.venue.look_up(ORDER) == Ended(attempt.verdict.exchange_order_id, None)


@pytest.mark.parametrize("ground", ["model", "live"], indirect=True)
@pytest.mark.parametrize("way", [Way.CLIENT_ID, Way.ALL_ORDERS])
async def test_each_attempt_of_an_order_is_found_under_its_own_name(ground: Ground, way: Way) -> None:
    further = replace(ORDER, attempt=2, attempt_id="snNEWagain")
    await ground.arrange(Behaviour.FILL_NOTHING)
    await ground.fill(ORDER, await ground.send())
    unknown = await ground.venue.look_up(further, [way])
    await ground.arrange(Behaviour.FILL_PARTLY)
    await ground.fill(further, await ground.send(further, a_request(client_order_id="snNEWagain")))

    first, second = await ground.venue.look_up(ORDER, [way]), await ground.venue.look_up(further, [way])

    assert unknown == Absent()
    assert isinstance(first, Ended)
    assert isinstance(second, Ended)
    assert first.fill is None
    assert second.fill is not None
