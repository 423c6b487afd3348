"""How little is asked of the exchange to look at what is held."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from typing import cast

import pytest

from executor.exits.book_reader import DEEP_MAX, BookReader
from executor.exits.look_interval import SINGLY_MAX
from executor.market_data.position_prices import PositionPrices, RecentBooks
from executor.pricing.valuation import Quote
from shared.mexc.errors import ExchangeError, ExchangeRejected, ExchangeUnavailable, RateLimited
from shared.mexc.market_data import MexcMarketData
from shared.mexc.payloads import BookTicker, Level, OrderBook
from tests.waiting import eventually

ONE = Decimal(1)


class Exchange:
    """Pays a dollar for every coin, unless the test says otherwise."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.errors: dict[str, ExchangeError] = {}
        self.bids: dict[str, Decimal] = {}
        self.unlisted: set[str] = set()
        self.slow: dict[str, asyncio.Event] = {}

    async def depth(self, symbol: str, limit: int) -> OrderBook:
        self.asked[symbol] += 1
        if symbol in self.slow:
            await self.slow[symbol].wait()
        if symbol in self.errors:
            raise self.errors[symbol]
        return OrderBook((Level(self.bids.get(symbol, ONE), ONE),), ())

    async def book_tickers(self) -> Sequence[BookTicker]:
        self.asked["all"] += 1
        if "all" in self.slow:
            await self.slow["all"].wait()
        if "all" in self.errors:
            raise self.errors["all"]
        symbols = [each for each in coins(20) if each not in self.unlisted]
        return [BookTicker(each, self.bids.get(each, ONE), ONE) for each in symbols]


def coins(count: int) -> list[str]:
    return [f"C{number:02}USDT" for number in range(count)]


def quoting(exchange: Exchange, urgent: Exchange | None = None, seconds_max: float = 20) -> BookReader:
    routine = cast("MexcMarketData", exchange)
    return BookReader(
        PositionPrices(routine, cast("MexcMarketData", urgent or exchange), RecentBooks()),
        seconds_max=seconds_max,
    )


def settled(_: str, __: Quote) -> bool:
    return True


def open_question(_: str, __: Quote) -> bool:
    return False


async def test_few_symbols_are_looked_at_by_their_books() -> None:
    exchange = Exchange()
    quotes = await quoting(exchange).quotes(coins(SINGLY_MAX), set(), settled)

    assert sorted(quotes.known) == coins(SINGLY_MAX)
    assert exchange.asked == Counter(coins(SINGLY_MAX))


async def test_many_that_are_settled_by_their_best_prices_cost_one_question() -> None:
    exchange = Exchange()
    quotes = await quoting(exchange).quotes(coins(10), set(), settled)

    assert sorted(quotes.known) == coins(10)
    assert exchange.asked == Counter(["all"])


async def test_the_books_of_the_others_are_read_in_turns_and_the_urgent_ones_always() -> None:
    exchange = Exchange()
    looking, urgent = quoting(exchange), {"C09USDT"}
    for _ in range(2):
        quotes = await looking.quotes(coins(10), urgent, open_question)
        assert len(quotes.known) == DEEP_MAX
        assert urgent <= quotes.known.keys()

    assert all(exchange.asked[symbol] for symbol in coins(10))
    assert exchange.asked["C09USDT"] == 2


@pytest.mark.parametrize("error", [ExchangeUnavailable("away"), ExchangeRejected(-1121, "Invalid symbol.")])
async def test_what_is_wrong_with_one_symbol_hides_no_other(error: ExchangeError) -> None:
    exchange = Exchange()
    exchange.errors["C01USDT"] = error
    quotes = await quoting(exchange).quotes(coins(3), set(), settled)

    assert sorted(quotes.known) == ["C00USDT", "C02USDT"]
    assert quotes.unknown == ({"C01USDT"} if isinstance(error, ExchangeRejected) else set())


async def test_a_book_that_is_slow_to_come_holds_up_no_other_and_is_not_asked_for_twice() -> None:
    exchange = Exchange()
    exchange.slow["C01USDT"] = asyncio.Event()
    looking = quoting(exchange, seconds_max=0.1)
    without = [await looking.quotes(coins(3), set(), settled) for _ in range(3)]
    exchange.slow.pop("C01USDT").set()

    async def there() -> bool:
        return "C01USDT" in (await looking.quotes(coins(3), set(), settled)).known

    assert [sorted(each.known) for each in without] == [["C00USDT", "C02USDT"]] * 3
    assert exchange.asked["C01USDT"] == 1
    await eventually(there)
    await looking.close()


async def test_where_the_best_prices_cannot_be_learned_books_are_read_instead() -> None:
    exchange = Exchange()
    exchange.errors["all"] = ExchangeUnavailable("no answer in time")
    looking, learned = quoting(exchange), set[str]()

    async def is_learned(urgent: set[str]) -> bool:
        learned.update((await looking.quotes(coins(10), urgent, settled)).known)
        return learned == set(coins(10))

    for urgent in (set[str](), {"C09USDT"}, set(coins(4))):
        learned.clear()
        await eventually(partial(is_learned, urgent))
    await looking.close()


async def test_best_prices_that_may_still_come_are_awaited_and_no_books_are_read_meanwhile() -> None:
    exchange = Exchange()
    exchange.slow["all"] = asyncio.Event()
    looking = quoting(exchange, seconds_max=0.01)
    for _ in range(3):
        assert (await looking.quotes(coins(10), set(), settled)).known == {}
    exchange.slow.pop("all").set()

    async def there() -> bool:
        return sorted((await looking.quotes(coins(10), set(), settled)).known) == coins(10)

    await eventually(there)
    assert set(exchange.asked) == {"all"}


async def test_those_that_are_urgent_wait_for_no_other() -> None:
    exchange, hurrying = Exchange(), Exchange()
    exchange.slow |= {"all": asyncio.Event(), "C01USDT": asyncio.Event()}
    few, many = quoting(exchange, hurrying), quoting(exchange, hurrying)
    for looking, symbols in ((few, coins(3)), (many, coins(10))):
        quotes = await looking.quotes(symbols, {"C02USDT"}, settled)
        assert "C02USDT" in quotes.known
        assert "C01USDT" not in quotes.known
        assert looking.wait_seconds() < 1
    for each in exchange.slow.values():
        each.set()

    async def is_learned(looking: BookReader, symbols: list[str]) -> bool:
        return "C01USDT" in (await looking.quotes(symbols, {"C02USDT"}, settled)).known

    await eventually(lambda: is_learned(few, coins(3)))
    await eventually(lambda: is_learned(many, coins(10)))
    assert set(hurrying.asked) == {"C02USDT"}
    assert "C02USDT" not in exchange.asked


async def test_more_urgent_ones_than_books_are_read_for_have_their_best_prices_read_at_once() -> None:
    exchange, hurrying = Exchange(), Exchange()
    urgent = set(coins(SINGLY_MAX + 1))
    quotes = await quoting(exchange, hurrying).quotes(coins(10), urgent, settled)

    assert sorted(quotes.known) == coins(10)
    assert (hurrying.asked, exchange.asked) == (Counter(["all"]), Counter())


async def test_what_comes_when_it_is_not_needed_any_more_is_dropped() -> None:
    """A price that was asked for once is never taken for one of now."""
    exchange = Exchange()
    exchange.slow["all"] = asyncio.Event()
    looking = quoting(exchange)
    await looking.quotes(coins(10), {"C02USDT"}, settled)
    exchange.slow.pop("all").set()
    await eventually(lambda: forgets(looking))
    exchange.bids["C05USDT"] = Decimal(2)

    assert (await looking.quotes(coins(10), set(), settled)).known["C05USDT"].bids[0].price == 2


async def forgets(looking: BookReader) -> bool:
    await looking.quotes([], set(), settled)
    return looking.wait_seconds() > 1


async def test_what_is_not_answered_at_the_end_is_given_up() -> None:
    exchange = Exchange()
    exchange.slow["C01USDT"] = asyncio.Event()
    looking = quoting(exchange, seconds_max=0.01)
    await looking.quotes(coins(3), set(), settled)
    await looking.close()

    assert [each.get_name() for each in asyncio.all_tasks() if each.get_name().startswith("quote-")] == []


async def test_an_exchange_that_wants_to_be_left_alone_is() -> None:
    exchange = Exchange()
    exchange.errors["C01USDT"] = RateLimited(1.0)

    with pytest.raises(RateLimited):
        await quoting(exchange).quotes(coins(3), set(), settled)


@pytest.mark.parametrize("count", [2, 10])
@pytest.mark.parametrize("odd", ["NaN", "Infinity", "-1", "1E+300"])
async def test_a_bid_that_is_no_price_concerns_its_coin(count: int, odd: str) -> None:
    """M14."""
    exchange = Exchange()
    exchange.bids["C01USDT"] = Decimal(odd)
    quotes = await quoting(exchange).quotes(coins(count), set(), settled)

    assert quotes.known["C01USDT"].bids == ()
    assert quotes.known["C00USDT"].bids == (Level(ONE, ONE),)


async def test_a_symbol_that_is_missing_among_the_best_prices_is_asked_for_by_name() -> None:
    exchange = Exchange()
    exchange.unlisted = {"C01USDT"}
    exchange.errors["C01USDT"] = ExchangeRejected(-1121, "Invalid symbol.")
    quotes = await quoting(exchange).quotes(coins(10), set(), settled)

    assert quotes.unknown == {"C01USDT"}
    assert len(quotes.known) == 9


async def test_what_becomes_urgent_overtakes_the_routine_question_for_its_book() -> None:
    exchange, urgent = Exchange(), Exchange()
    exchange.slow["C00USDT"] = asyncio.Event()
    looking = quoting(exchange, urgent, seconds_max=0.05)
    assert (await looking.quotes(["C00USDT"], set(), settled)).known == {}

    quotes = await looking.quotes(["C00USDT"], {"C00USDT"}, settled)
    exchange.slow["C00USDT"].set()
    later = await looking.quotes([], set(), settled)
    await looking.close()

    assert list(quotes.known) == ["C00USDT"]
    assert later.known == {}
    assert (exchange.asked["C00USDT"], urgent.asked["C00USDT"]) == (1, 1)
