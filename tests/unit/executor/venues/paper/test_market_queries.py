"""What a paper order is filled by has the reserve of its side; all else is asked for with what nobody has reserved."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial

import httpx
import pytest

from executor.venues.paper.market_queries import PaperQuestions
from shared.mexc.errors import RateLimited
from shared.mexc.http.request import RestLimits
from shared.mexc.market_data import MexcMarketData

BOOK = {"bids": [["0.99", "5"]], "asks": [["1.01", "7"]]}
TRADE = {"price": "1.00", "qty": "2", "quoteQty": "2", "time": 1_700_000_000_000}
SYMBOL = {"symbol": "ABCUSDT", "status": "1", "baseAsset": "ABC", "quoteAsset": "USDT", "baseAssetPrecision": 2}
ANSWERS = {"/api/v3/depth": BOOK, "/api/v3/trades": [TRADE], "/api/v3/exchangeInfo": {"symbols": [SYMBOL]}}


@dataclass
class Way:
    """One way to the exchange, within limits of its own, and what was asked by it."""

    is_limited: bool = False
    asked: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def admission(self, _: str, path: str) -> AsyncIterator[None]:
        if self.is_limited:
            raise RateLimited(1)
        self.asked.append(path)
        yield

    async def open(self, stack: AsyncExitStack) -> MexcMarketData:
        transport = httpx.MockTransport(lambda request: httpx.Response(200, json=ANSWERS[request.url.path]))
        http = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://exchange"))
        return MexcMarketData(http, RestLimits(admission=self.admission))


@dataclass(frozen=True)
class Asking:
    questions: PaperQuestions
    reserved: Way
    aside: Way


@pytest.fixture
async def asking() -> AsyncIterator[Asking]:
    async with AsyncExitStack() as stack:
        reserved, aside = Way(), Way()
        rest = await aside.open(stack)
        yield Asking(PaperQuestions(await reserved.open(stack), rest, rest.symbol_rules), reserved, aside)


QUESTIONS: dict[str, Callable[[PaperQuestions], Awaitable[object]]] = {
    "/api/v3/exchangeInfo": lambda questions: questions.symbol_rules("ABCUSDT"),
    "/api/v3/trades": lambda questions: questions.recent_trades("ABCUSDT", 1),
}


async def test_the_book_is_asked_for_with_the_reserve_of_the_order(asking: Asking) -> None:
    book = await asking.questions.depth("ABCUSDT", 5)

    assert (book.bids[0].price, book.asks[0].quantity) == (Decimal("0.99"), Decimal(7))
    assert (asking.reserved.asked, asking.aside.asked) == (["/api/v3/depth"], [])


@pytest.mark.parametrize("path", QUESTIONS)
async def test_state_and_trades_take_nothing_of_that_reserve(asking: Asking, path: str) -> None:
    assert await QUESTIONS[path](asking.questions)
    assert (asking.reserved.asked, asking.aside.asked) == ([], [path])


@pytest.mark.parametrize("path", QUESTIONS)
async def test_what_the_limits_do_not_allow_is_told_and_the_book_is_there_all_the_same(
    asking: Asking, path: str
) -> None:
    asking.aside.is_limited = True
    ask = partial(QUESTIONS[path], asking.questions)

    with pytest.raises(RateLimited):
        await ask()
    assert (await asking.questions.depth("ABCUSDT", 5)).asks
