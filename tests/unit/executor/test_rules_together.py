"""How long coins wait that come at once without their rules, within the limits as they are."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial

import pytest

from executor.rate_limits.rate_budget import WEIGHT_SECONDS, Limits, RateBudget
from executor.rate_limits.rate_limiter import RateLimiter
from executor.rate_limits.sliding_window import Priority
from executor.settings import ExecutorSettings
from shared.mexc.request_batching import RequestBatcher
from tests.support.fakes.limiters import Clock, metrics

INFO, BOOK = "/api/v3/exchangeInfo", "/api/v3/depth"
SECONDS_MAX = 2.0
TURNS = 5
"""Of the loop, that an answer takes."""


class Buying:
    """Purchases that ask for rules, and some for a book beside them."""

    def __init__(self) -> None:
        settings = ExecutorSettings()
        limits = Limits(address_weight=settings.weight_per_10_seconds, address_requests=settings.requests_per_second)
        self.clock = Clock()
        limiter = RateLimiter(RateBudget(limits), metrics(), now=self.clock, call_later=self.clock.call_later)
        self._admission = limiter.admission(Priority.PURCHASE)
        self._rules = RequestBatcher(self._answer, partial(self._admission, "GET", INFO))
        self.questions = 0

    async def _answer(self, names: Sequence[str]) -> Mapping[str, str]:
        self.questions += 1
        for _ in range(TURNS):
            await asyncio.sleep(0)
        return dict.fromkeys(names, "rules")

    async def _book(self) -> None:
        async with self._admission("GET", BOOK):
            for _ in range(TURNS):
                await asyncio.sleep(0)

    async def seconds(self, name: str, *, with_book: bool) -> float:
        """Return how long it takes until *name* can be bought."""
        began = self.clock.now
        await asyncio.gather(*([self._book()] if with_book else []), self._rules.of(name))
        return self.clock.now - began


async def all_of(buying: Buying, count: int, *, with_book: bool) -> Sequence[float]:
    return await asyncio.gather(*(buying.seconds(f"COIN{number}", with_book=with_book) for number in range(count)))


@pytest.mark.parametrize(("count", "with_book"), [(8, False), (50, False), (5, True)])
async def test_all_that_come_at_once_are_bought_within_moments(count: int, *, with_book: bool) -> None:
    buying = Buying()

    waits = await buying.clock.during(all_of(buying, count, with_book=with_book))

    assert max(waits) < SECONDS_MAX
    assert buying.questions == 2


async def test_of_more_that_need_a_book_too_no_book_takes_the_room_of_the_rules() -> None:
    buying = Buying()

    waits = await buying.clock.during(all_of(buying, 8, with_book=True))

    assert sorted(wait > WEIGHT_SECONDS - SECONDS_MAX for wait in waits) == [False] * 5 + [True] * 3
    assert buying.questions == 2


async def test_who_comes_when_there_is_no_room_left_waits_once_and_together() -> None:
    buying = Buying()

    async def one_after_the_other() -> Sequence[float]:
        first = [await buying.seconds(f"EARLY{number}", with_book=False) for number in range(2)]
        return [*first, *await all_of(buying, 6, with_book=False)]

    waits = await buying.clock.during(one_after_the_other())

    assert (max(waits[:2]), buying.questions) == (0, 3)
    assert max(waits) <= WEIGHT_SECONDS + 1
