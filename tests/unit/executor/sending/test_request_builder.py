"""From an order to its request: with what is at hand, or with what the exchange tells."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import cast

import pytest

from executor.market_data.market_views import MarketViews
from executor.market_data.symbol_rules import UNLEARNED_SECONDS
from executor.model.order import Order
from executor.model.reasons import Reason, Refusal
from executor.openings.opening_time_lookup import OpeningQuestion
from executor.sending.request_builder import BuiltRequest, RequestBuilder
from executor.settings import ExecutorSettings
from shared.events import Listing, Side, Source, TradingRules
from shared.mexc.errors import ExchangeError, ExchangeRejected, ExchangeUnavailable, RateLimited
from shared.mexc.market_data import MexcMarketData
from shared.mexc.payloads import Level, OrderBook, PublicTrade
from shared.mexc.symbols import SymbolInfo
from tests.support.data.builders import NOON, a_listing, a_symbol_info, an_order
from tests.waiting import eventually

LEVEL = (Level(Decimal(2), Decimal(1000)),)
BOOK, EMPTY = OrderBook(bids=LEVEL, asks=LEVEL), OrderBook(bids=(), asks=())
RULES = TradingRules(base_precision=2, quote_precision=2)
PRICED = an_order(listing=a_listing(price=Decimal(3), rules=RULES))
SALE = an_order(listing=PRICED.listing, side=Side.SELL, base_qty=Decimal("10.12"))


class Rest:
    """Answers from a list, the last one again and again, and remembers what it was asked."""

    def __init__(self, *books: OrderBook | ExchangeError, info: SymbolInfo | ExchangeError | None = None) -> None:
        self._books = list(books) or [BOOK]
        self._info = info or a_symbol_info()
        self.asked: list[str] = []
        self.trades: list[PublicTrade] = []
        self.knows = True
        self.holds: asyncio.Event | None = None
        """What exchangeInfo is held up by."""

    async def depth(self, symbol: str, limit: int) -> OrderBook:
        self.asked.append("depth")
        answer = self._books.pop(0) if len(self._books) > 1 else self._books[0]
        if isinstance(answer, ExchangeError):
            raise answer
        return answer

    async def symbol_rules(self, symbol: str) -> SymbolInfo | None:
        self.asked.append("rules")
        if isinstance(self._info, ExchangeError):
            raise self._info
        if self.holds is not None:
            await self.holds.wait()
        return self._info if self.knows else None

    async def recent_trades(self, symbol: str, limit: int = 1000) -> list[PublicTrade]:
        self.asked.append("trades")
        return list(self.trades)


class Now:
    """Noon, and a second later at every look."""

    def __init__(self) -> None:
        self.looks = 0

    def __call__(self) -> datetime:
        self.looks += 1
        return NOON + timedelta(seconds=self.looks - 1)


def a_composer(
    rest: Rest, clock: Callable[[], float] = lambda: 0.0, *, has_room: bool = True, **settings: object
) -> RequestBuilder:
    chosen = ExecutorSettings.model_validate({"retry_every_seconds": 0.05} | settings)
    markets = MarketViews(cast("MexcMarketData", rest), chosen, clock=clock)
    seconds_max = chosen.opening_ask_seconds
    ask = OpeningQuestion(rest.symbol_rules, markets.rules.take_in, has_room=lambda: has_room, seconds_max=seconds_max)
    return RequestBuilder(markets, chosen, ask=ask, now=Now(), stopping=dict.fromkeys(Side, asyncio.Event()))


async def test_a_listing_that_brings_price_and_rules_along_costs_no_question() -> None:
    rest = Rest()

    composed = await a_composer(rest).compose(PRICED)

    assert isinstance(composed, BuiltRequest)
    assert (composed.request.price, composed.rules) == (Decimal("3.15"), RULES)
    assert rest.asked == []


async def test_what_the_listing_does_not_tell_is_asked_for() -> None:
    rest = Rest()

    composed = await a_composer(rest).compose(an_order())

    assert isinstance(composed, BuiltRequest)
    assert composed.request.price == Decimal("2.10")
    assert sorted(rest.asked) == ["depth", "rules"]


async def test_a_coin_so_dear_that_its_fractions_must_be_known_costs_one_question_where_its_price_is_known() -> None:
    rest = Rest()

    composed = await a_composer(rest).compose(an_order(listing=a_listing(price=Decimal(237))))

    assert isinstance(composed, BuiltRequest)
    assert rest.asked == ["rules"]


async def test_an_order_that_waited_for_its_opening_goes_by_the_price_of_today() -> None:
    waited = an_order(listing=PRICED.listing, fire_at=NOON)

    composed = await a_composer(Rest()).compose(waited)

    assert isinstance(composed, BuiltRequest)
    assert composed.request.price == Decimal("2.10")


async def test_a_configured_gate_is_always_judged_by_a_fresh_book() -> None:
    rest = Rest()

    refused = await a_composer(rest, depth_usdt_min=10_000).compose(PRICED)

    assert isinstance(refused, Refusal)
    assert (refused.reason, "depth" in rest.asked) == ("depth", True)


async def test_a_sale_goes_by_the_best_bid() -> None:
    sale = an_order(listing=PRICED.listing, side=Side.SELL, base_qty=Decimal(10))

    composed = await a_composer(Rest()).compose(sale)

    assert isinstance(composed, BuiltRequest)
    assert (composed.request.side, composed.request.price) == (Side.SELL, Decimal("1.90"))


async def test_a_book_without_offers_is_looked_at_until_there_is_one() -> None:
    rest = Rest(EMPTY, EMPTY, BOOK)

    assert isinstance(await a_composer(rest).compose(an_order()), BuiltRequest)
    assert rest.asked.count("depth") == 3


async def test_a_book_that_stays_empty_is_given_up_when_the_orders_time_is_over() -> None:
    refused = await a_composer(Rest(EMPTY)).compose(an_order(send_until=NOON + timedelta(seconds=3)))

    assert isinstance(refused, Refusal)
    assert refused.reason == "no_price"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ExchangeUnavailable("HTTP 503"), "exchange_unavailable"),
        (RateLimited(300), "too_many_requests"),
        (ExchangeRejected(403, "denied"), "exchange_unavailable"),
    ],
)
async def test_an_exchange_that_does_not_answer_is_asked_three_times(error: ExchangeError, reason: str) -> None:
    rest = Rest(error)

    refused = await a_composer(rest).compose(an_order())

    assert isinstance(refused, Refusal)
    assert (refused.reason, refused.detail) == (reason, str(error))
    assert rest.asked.count("depth") == 3


async def test_a_purchase_waits_for_the_end_of_a_quiet_that_is_over_in_time() -> None:
    """However often it is kept out until then."""
    rest = Rest(*[RateLimited(2)] * 6, BOOK)

    composed = await a_composer(rest).compose(an_order(send_until=NOON + timedelta(seconds=30)))

    assert isinstance(composed, BuiltRequest)


@pytest.mark.parametrize(
    "order", [an_order(send_until=NOON + timedelta(seconds=10)), replace(SALE, send_until=NOON + timedelta(seconds=30))]
)
async def test_a_quiet_that_lasts_too_long_and_one_that_keeps_out_a_sale_are_given_up_soon(order: Order) -> None:
    """A sale is begun again by whoever watches the position."""
    composed = await a_composer(Rest(RateLimited(60))).compose(order)

    assert isinstance(composed, Refusal)
    assert composed.reason is Reason.TOO_MANY_REQUESTS


async def test_a_symbol_the_exchange_does_not_know_is_refused_at_once() -> None:
    rest = Rest(ExchangeRejected(-1121, "Invalid symbol."))

    refused = await a_composer(rest).compose(an_order())

    assert isinstance(refused, Refusal)
    assert (refused.reason, rest.asked.count("depth")) == ("symbol_unknown", 1)


async def test_a_symbol_that_is_about_to_open_may_be_unknown_for_a_moment() -> None:
    rest = Rest(ExchangeRejected(-1121, "Invalid symbol."), BOOK)

    assert isinstance(await a_composer(rest).compose(an_order(fire_at=NOON)), BuiltRequest)


async def test_rules_are_learned_ahead_and_once() -> None:
    rest = Rest()
    composer = a_composer(rest)

    await composer.prefetch(an_order())
    await composer.compose(an_order())

    assert rest.asked == ["rules", "depth"]


async def test_rules_that_cannot_be_learned_ahead_are_asked_for_again() -> None:
    await a_composer(Rest(info=ExchangeUnavailable("HTTP 503"))).prefetch(an_order())


async def test_a_sale_goes_by_the_rules_of_today_and_not_by_those_of_the_listing() -> None:
    rest = Rest(info=a_symbol_info(base_precision=0, quote_precision=1))

    composed = await a_composer(rest).compose(SALE)

    assert isinstance(composed, BuiltRequest)
    assert (str(composed.request.quantity), str(composed.request.price)) == ("10", "1.9")


async def test_rules_are_read_again_once_they_are_old() -> None:
    rest, elapsed = Rest(), [0.0]
    composer = a_composer(rest, lambda: elapsed[0], rules_age_seconds=300)

    counts = []
    for elapsed[0] in (0.0, 300.0, 300.1, 300.2):
        await composer.compose(SALE)
        counts.append(rest.asked.count("rules"))

    assert counts == [1, 1, 2, 2]


async def test_rules_that_cannot_be_read_again_hold_up_no_sale() -> None:
    for error in (ExchangeUnavailable("HTTP 503"), RateLimited(3), ExchangeRejected(10072, "no")):
        composed = await a_composer(Rest(info=error)).compose(SALE)

        assert isinstance(composed, BuiltRequest)
        assert composed.rules == RULES


async def test_rules_of_an_order_that_waited_are_read_again_before_its_opening() -> None:
    waited = an_order(listing=PRICED.listing, fire_at=NOON)
    rest = Rest(info=a_symbol_info(base_precision=0, quote_precision=1))
    composer = a_composer(rest)

    await composer.prefetch(waited)
    composed = await composer.compose(waited)

    assert isinstance(composed, BuiltRequest)
    assert (rest.asked, str(composed.request.price)) == (["rules", "depth"], "2.1")


async def test_a_sale_under_price_protection_goes_by_the_last_price() -> None:
    rest = Rest(info=a_symbol_info(base_precision=2, quote_precision=2, price_down=Decimal("0.97")))
    rest.trades = [PublicTrade(Decimal("2.10"), None, NOON)]
    composer = a_composer(rest)

    await composer.prefetch(SALE)
    composed = await composer.compose(SALE)

    assert isinstance(composed, BuiltRequest)
    assert composed.request.price == Decimal("2.04")  # 2.037, rounded up.


async def test_what_may_explain_a_refusal_is_read_and_what_cannot_be_read_is_left_out() -> None:
    rest = Rest(info=a_symbol_info(base_precision=0))
    rest.trades = [PublicTrade(Decimal(2), None, NOON)]
    away = Rest(info=ExchangeUnavailable("HTTP 503"))

    reading = await a_composer(rest).reread(SALE, price=True)
    of_size = await a_composer(rest).reread(SALE, price=False)
    nothing = await a_composer(away).reread(SALE, price=True)

    assert reading.rules is not None
    assert (reading.rules.base_precision, reading.last, of_size.last) == (0, Decimal(2), None)
    assert (nothing.rules, nothing.last) == (None, None)


async def test_a_sale_asks_by_a_way_of_its_own_and_a_purchase_by_the_other() -> None:
    buying, selling = Rest(), Rest()
    chosen = ExecutorSettings()
    ways = [MarketViews(cast("MexcMarketData", rest), chosen) for rest in (buying, selling)]
    composer = RequestBuilder(
        ways[0], chosen, selling=ways[1], now=Now(), stopping=dict.fromkeys(Side, asyncio.Event())
    )

    await composer.compose(an_order(listing=PRICED.listing, side=Side.SELL, base_qty=Decimal(10)))
    assert (buying.asked, sorted(selling.asked)) == ([], ["depth", "rules"])
    selling.asked.clear()
    await composer.compose(an_order())
    assert sorted(buying.asked) == ["depth", "rules"]
    assert selling.asked == []
    buying.asked.clear()
    await composer.reread(SALE, price=True)
    assert buying.asked == []
    assert sorted(selling.asked) == ["rules", "trades"]


async def test_a_sale_in_a_narrow_band_reads_the_last_price_again_once_the_bids_have_left_it() -> None:
    """Above the bids it would be taken, and filled with nothing, for as long as the known price is recent."""
    rules = RULES.model_copy(update={"price_down": Decimal("0.995")})
    sale = replace(SALE, listing=a_listing(price=Decimal(3), rules=rules))
    books = [OrderBook(bids=(Level(Decimal(price), Decimal(1000)),), asks=()) for price in ("1", "0.9", "0.9")]
    rest, now = Rest(*books, info=a_symbol_info(price_down=Decimal("0.995"))), [0.0]
    composer = a_composer(rest, lambda: now[0])
    prices = []
    for now[0], traded in ((0.0, "1"), (0.6, "0.9"), (0.8, "0.8")):
        rest.trades = [PublicTrade(Decimal(traded), None, NOON)]
        composed = await composer.compose(sale)
        assert isinstance(composed, BuiltRequest)
        prices.append(composed.request.price)

    assert prices == [Decimal("0.995"), Decimal("0.8955"), Decimal("0.8955")]
    assert rest.asked.count("trades") == 2


YEARS_AGO = a_symbol_info(first_open_time=NOON - timedelta(days=730))
OPENED = f"it opened on {YEARS_AGO.first_open_time:%Y-%m-%d}"
SHOWN_FIRST = an_order(listing=a_listing(price=Decimal(3)))
"""A ticker showed it, with a price and nothing else."""


async def test_a_listing_that_only_a_ticker_has_shown_is_asked_about_and_not_bought_if_old() -> None:
    rest = Rest(info=YEARS_AGO)

    refused = await a_composer(rest).compose(SHOWN_FIRST)

    assert isinstance(refused, Refusal)
    assert (refused.reason, refused.detail) == ("stale_listing", OPENED)
    assert rest.asked == ["rules"]


async def test_one_that_is_as_young_as_it_looks_is_bought_by_the_rules_that_came_along() -> None:
    rest = Rest(info=a_symbol_info(first_open_time=NOON, base_precision=0))

    composed = await a_composer(rest).compose(SHOWN_FIRST)

    assert isinstance(composed, BuiltRequest)
    assert composed.rules is not None
    assert (composed.rules.base_precision, rest.asked) == (0, ["rules"])


async def test_it_is_bought_at_once_where_that_is_set() -> None:
    rest = Rest(info=YEARS_AGO)

    assert isinstance(await a_composer(rest, opening_unknown="buy").compose(SHOWN_FIRST), BuiltRequest)
    assert rest.asked == []


@pytest.mark.parametrize(
    "info", [ExchangeUnavailable("HTTP 503"), RateLimited(3), ExchangeRejected(403, "denied"), None]
)
async def test_it_is_bought_where_the_exchange_does_not_say(info: ExchangeError | None) -> None:
    rest = Rest(info=info)
    rest.knows = info is not None

    assert isinstance(await a_composer(rest).compose(SHOWN_FIRST), BuiltRequest)
    assert rest.asked == ["rules"]


async def test_it_is_bought_where_the_limits_have_no_room_for_the_question() -> None:
    rest = Rest(info=YEARS_AGO)

    assert isinstance(await a_composer(rest, has_room=False).compose(SHOWN_FIRST), BuiltRequest)
    assert rest.asked == []


async def test_it_is_bought_once_the_bound_is_over_and_an_answer_after_that_counts_all_the_same() -> None:
    rest = Rest(info=YEARS_AGO)
    rest.holds = asyncio.Event()
    composer = a_composer(rest, opening_ask_seconds=0.001)

    composed = await composer.compose(SHOWN_FIRST)
    rest.holds.set()
    again = replace(SHOWN_FIRST, attempt=2, attempt_id="another", price_max=Decimal(4))
    refused = await eventually(lambda: composer.too_old(again))
    offered = await composer.offered(again)

    assert isinstance(composed, BuiltRequest)
    assert refused == offered == Refusal(Reason.STALE_LISTING, OPENED)


async def test_where_the_market_is_looked_at_anyway_no_question_comes_before() -> None:
    rest = Rest(info=YEARS_AGO)
    rest.holds = asyncio.Event()
    composing = asyncio.create_task(a_composer(rest, opening_ask_seconds=5).compose(an_order()))

    await eventually(lambda: sorted(rest.asked) == ["depth", "rules"], within_seconds=3)
    rest.holds.set()

    assert await composing == Refusal(Reason.STALE_LISTING, OPENED)


async def test_who_insists_buys_nothing_without_an_answer() -> None:
    answered, away = Rest(info=YEARS_AGO), Rest(info=ExchangeUnavailable("HTTP 503"))

    refused = await a_composer(answered, opening_unknown="insist").compose(SHOWN_FIRST)
    unknown = await a_composer(away, opening_unknown="insist").compose(SHOWN_FIRST)

    assert refused == Refusal(Reason.STALE_LISTING, OPENED)
    assert isinstance(unknown, Refusal)
    assert unknown.reason is Reason.EXCHANGE_UNAVAILABLE


@pytest.mark.parametrize("choice", ["ask", "insist"])
async def test_one_that_came_back_is_not_refused_by_the_opening_of_its_former_life(choice: str) -> None:
    back = replace(SHOWN_FIRST, listing=SHOWN_FIRST.listing.model_copy(update={"occurrence": 2}))

    assert isinstance(await a_composer(Rest(info=YEARS_AGO), opening_unknown=choice).compose(back), BuiltRequest)


@pytest.mark.parametrize("choice", ["ask", "insist"])
@pytest.mark.parametrize("opened", [None, NOON - timedelta(seconds=30), NOON + timedelta(seconds=30)])
async def test_one_that_opens_now_or_of_which_nobody_knows_is_bought_all_the_same(
    opened: datetime | None, choice: str
) -> None:
    rest = Rest(info=a_symbol_info(first_open_time=opened))

    assert isinstance(await a_composer(rest, opening_unknown=choice).compose(SHOWN_FIRST), BuiltRequest)


@pytest.mark.parametrize(
    "told",
    [
        a_listing(price=Decimal(3), rules=RULES),
        a_listing(price=Decimal(3), opens_at=NOON),
        a_listing(price=Decimal(3), source=Source.MEXC_REST_API),
        a_listing(price=Decimal(3), occurrence=2),
    ],
    ids=["described", "announced", "in a list", "back"],
)
async def test_what_more_than_a_ticker_has_told_is_not_asked_about(told: Listing) -> None:
    rest = Rest(info=YEARS_AGO)

    assert isinstance(await a_composer(rest).compose(an_order(listing=told)), BuiltRequest)
    assert rest.asked == []


async def test_an_old_opening_is_heeded_wherever_it_comes_along() -> None:
    """It costs nothing there: the price is asked for, and the rules beside it."""
    for order in (an_order(), an_order(attempt=2, attempt_id="another"), an_order(fire_at=NOON)):
        assert await a_composer(Rest(info=YEARS_AGO)).compose(order) == Refusal(Reason.STALE_LISTING, OPENED)


async def test_a_further_attempt_does_not_buy_a_coin_that_turns_out_to_be_old() -> None:
    again = an_order(listing=SHOWN_FIRST.listing, attempt=2, attempt_id="another", price_max=Decimal(4))

    assert await a_composer(Rest(info=YEARS_AGO)).offered(again) == Refusal(Reason.STALE_LISTING, OPENED)


async def test_rules_that_are_read_again_for_a_refusal_tell_whether_the_coin_is_old() -> None:
    composer = a_composer(Rest(info=YEARS_AGO), opening_unknown="buy")

    await composer.reread(SHOWN_FIRST, price=False)

    assert composer.too_old(SHOWN_FIRST) == Refusal(Reason.STALE_LISTING, OPENED)


async def test_a_sale_and_an_order_that_waited_for_its_opening_are_sent_however_old_their_coin_is() -> None:
    announced = a_listing(price=Decimal(3), rules=RULES, opens_at=NOON)

    for order in (SALE, an_order(listing=announced, fire_at=NOON)):
        assert isinstance(await a_composer(Rest(info=YEARS_AGO), opening_unknown="insist").compose(order), BuiltRequest)


@pytest.mark.parametrize(
    ("status", "expected"), [("1", True), ("ENABLED", True), ("2", False), ("3", False), ("", None), ("9", None)]
)
async def test_only_a_status_that_is_known_says_whether_a_symbol_may_be_sold(
    status: str, *, expected: bool | None
) -> None:
    markets = MarketViews(cast("MexcMarketData", Rest(info=a_symbol_info(status=status))), ExecutorSettings())
    try:
        found = await markets.can_be_sold("ABCUSDT")
    except ExchangeUnavailable:
        found = None

    assert found is expected


async def test_a_sale_that_can_do_without_the_rules_waits_for_them_once_in_a_row() -> None:
    rest, seconds = Rest(), [0.0]
    composer = a_composer(rest, clock=lambda: seconds[0])
    rest.holds = asyncio.Event()

    first = await composer.reread(SALE, price=False, is_needed=False)
    second = await composer.reread(SALE, price=False, is_needed=False)

    assert (first.rules, second.rules, rest.asked) == (None, None, ["rules"])
    seconds[0] = UNLEARNED_SECONDS + 0.1
    rest.holds.set()
    assert (await composer.reread(SALE, price=False, is_needed=False)).rules is not None


async def test_rules_of_before_a_question_that_got_no_answer_are_not_those_of_now() -> None:
    rest = Rest()
    composer = a_composer(rest)
    await composer.prefetch(SALE)
    rest.holds = asyncio.Event()

    assert (await composer.reread(SALE, price=False)).rules is None
    rest.holds.set()

    assert (await composer.reread(SALE, price=False)).rules is not None
    assert (await composer.reread(SALE, price=False)).rules is not None
    assert rest.asked == ["rules"] * 3


async def test_a_sale_keeps_the_bids_that_it_was_priced_by() -> None:
    composed = await a_composer(Rest()).compose(SALE)

    assert isinstance(composed, BuiltRequest)
    assert composed.bids == BOOK.bids


@pytest.mark.parametrize("away", [False, True])
async def test_a_sale_whose_rules_nobody_has_read_goes_by_the_digits_of_its_bids(away: bool) -> None:
    bids = (Level(Decimal("2.000"), Decimal("7.50")), Level(Decimal("1.99"), Decimal(3)))
    rest = Rest(OrderBook(bids, LEVEL), info=ExchangeUnavailable("HTTP 503") if away else None)
    rest.holds = asyncio.Event()
    sale = an_order(listing=a_listing(price=Decimal(3)), side=Side.SELL, base_qty=Decimal("10.129"))

    composed = await a_composer(rest).compose(sale)

    assert isinstance(composed, BuiltRequest)
    assert (str(composed.request.quantity), str(composed.request.price)) == ("10.1", "1.90")


async def test_a_sale_whose_rules_nobody_has_read_has_them_read_where_that_is_soon() -> None:
    sale = an_order(listing=a_listing(price=Decimal(3)), side=Side.SELL, base_qty=Decimal("10.129"))

    composed = await a_composer(Rest(info=a_symbol_info(base_precision=2))).compose(sale)

    assert isinstance(composed, BuiltRequest)
    assert str(composed.request.quantity) == "10.12"


@pytest.mark.parametrize("quantity", ["1E-40", "1E+40", "NaN", "Infinity"])
async def test_a_quantity_that_cannot_be_sold_is_refused_whatever_the_bids_show(quantity: str) -> None:
    sale = an_order(listing=a_listing(price=Decimal(3)), side=Side.SELL)
    sale = replace(sale, base_qty=Decimal(quantity))

    assert isinstance(await a_composer(Rest(info=ExchangeUnavailable("HTTP 503"))).compose(sale), Refusal)
