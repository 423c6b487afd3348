"""Questions that go together where they would wait, and alone where they need not."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import pytest

from shared.mexc.errors import ExchangeError, ExchangeRejected, ExchangeUnavailable, RateLimited
from shared.mexc.request_batching import NAMES_MAX, RequestBatcher

UNKNOWN = ExchangeRejected(-1121, "Invalid symbol.")
TURNS = 20
"""Of the loop, after which everybody who can go on has gone on."""


class Exchange:
    """Answers each question on demand, and lets questions begin while there is room."""

    def __init__(self, *, room: int = 1_000, unknown: Sequence[str] = (), omits: bool = False) -> None:
        self.asked: list[Sequence[str]] = []
        self.held: list[asyncio.Future[None]] = []
        self.answers_at_once = False
        self.refusals = 0
        self.unknown = unknown
        self._omits = omits
        self._room = asyncio.Semaphore(room)

    def batcher(self, join_seconds_max: float = 60) -> RequestBatcher[str]:
        return RequestBatcher(self.ask, self.admission, join_seconds_max=join_seconds_max)

    @asynccontextmanager
    async def admission(self) -> AsyncIterator[None]:
        await self._room.acquire()  # It is not given back: the window is longer than the test.
        try:
            yield
        except RateLimited:
            self.refusals += 1
            raise

    def make_room(self) -> None:
        self._room.release()

    async def ask(self, names: Sequence[str]) -> Mapping[str, str]:
        self.asked.append(names)
        if not self.answers_at_once:
            self.held.append(asyncio.get_running_loop().create_future())
            await self.held[-1]
        if not self._omits and set(names) & set(self.unknown):
            raise UNKNOWN
        return {name: name.lower() for name in names if name not in self.unknown}

    async def answer(self, error: ExchangeError | None = None, number: int = -1) -> None:
        """Answer a question, the latest unless given otherwise."""
        if error is None:
            self.held[number].set_result(None)
        else:
            self.held[number].set_exception(error)
        await turns()


async def turns() -> None:
    for _ in range(TURNS):
        await asyncio.sleep(0)


async def asking(batcher: RequestBatcher[str], *names: str) -> list[asyncio.Task[str | None]]:
    tasks = [asyncio.create_task(batcher.of(name)) for name in names]
    await turns()
    return tasks


async def test_one_name_is_asked_for_alone_and_at_once() -> None:
    exchange = Exchange()
    exchange.answers_at_once = True
    batcher = exchange.batcher()

    answers = [await batcher.of(name) for name in ("A", "B", "A")]

    assert answers == ["a", "b", "a"]
    assert exchange.asked == [["A"], ["B"], ["A"]]


async def test_eight_at_once_take_two_questions() -> None:
    exchange = Exchange()

    tasks = await asking(exchange.batcher(), *"ABCDEFGH")
    assert exchange.asked == [["A"]]
    await exchange.answer()
    await exchange.answer()

    assert [task.result() for task in tasks] == list("abcdefgh")
    assert exchange.asked == [["A"], list("BCDEFGH")]


async def test_who_comes_while_the_limits_let_no_question_begin_goes_with_the_next() -> None:
    exchange = Exchange(room=1)
    exchange.answers_at_once = True
    batcher = exchange.batcher()
    assert await batcher.of("A") == "a"

    tasks = await asking(batcher, "B")
    tasks += await asking(batcher, "C", "B")
    exchange.make_room()

    assert await asyncio.gather(*tasks) == ["b", "c", "b"]
    assert exchange.asked == [["A"], ["B", "C"]]


async def test_who_came_first_is_asked_for_first_and_none_is_lost_while_an_unknown_name_takes_questions() -> None:
    """Each question has to wait for the limits; those that give up meanwhile lose no other its turn."""
    exchange = Exchange(room=0, unknown="B")
    exchange.answers_at_once = True
    batcher = exchange.batcher()
    tasks = await asking(batcher, *"ABCDEF")
    tasks.pop(3).cancel()
    for _ in range(10):
        exchange.make_room()
        await turns()

    assert await asyncio.gather(*tasks) == ["a", None, "c", "e", "f"]
    assert exchange.asked[0] == list("ABCEF")
    assert all(list(names) == sorted(names) for names in exchange.asked)
    assert len(exchange.asked) <= 7


async def test_more_names_than_fit_take_another_question() -> None:
    exchange, names = Exchange(), [f"COIN{number}" for number in range(2 * NAMES_MAX)]
    batcher = exchange.batcher()
    first = await asking(batcher, "A")

    tasks = await asking(batcher, *names)
    exchange.answers_at_once = True
    await exchange.answer()

    assert await asyncio.gather(*first, *tasks) == ["a", *(name.lower() for name in names)]
    assert sorted(map(len, exchange.asked)) == [1, NAMES_MAX - 1, NAMES_MAX + 1]


async def test_a_question_that_hangs_holds_up_no_other_for_long() -> None:
    exchange = Exchange()
    batcher = exchange.batcher(join_seconds_max=0)
    [hanging] = await asking(batcher, "A")

    [other] = await asking(batcher, "B")
    await exchange.answer()

    assert (other.result(), hanging.done()) == ("b", False)
    await exchange.answer(ExchangeUnavailable("no answer"), number=0)
    assert isinstance(hanging.exception(), ExchangeUnavailable)


@pytest.mark.parametrize("omits", [True, False])
async def test_a_name_that_is_not_known_concerns_that_name_alone(*, omits: bool) -> None:
    exchange = Exchange(unknown="D", omits=omits)
    batcher = exchange.batcher()
    tasks = await asking(batcher, *"ABCDEFGH")
    exchange.answers_at_once = True
    await exchange.answer()

    answers = await asyncio.gather(*tasks)

    assert answers == ["a", "b", "c", None, "e", "f", "g", "h"]
    # Where the exchange says which it is: once more, for that alone. Otherwise by halves.
    assert len(exchange.asked) == (3 if omits else 8)


async def test_names_that_are_all_unknown_come_to_nothing() -> None:
    exchange = Exchange(unknown="ABC")
    exchange.answers_at_once = True

    assert await asyncio.gather(*(await asking(exchange.batcher(), *"ABC"))) == [None, None, None]


async def test_a_refusal_of_one_name_for_another_reason_is_raised() -> None:
    exchange = Exchange()
    tasks = await asking(exchange.batcher(), "A")

    await exchange.answer(ExchangeRejected(10072, "no"))

    assert isinstance(tasks[0].exception(), ExchangeRejected)


async def test_an_answer_that_does_not_come_is_told_to_all_who_share_it_and_to_no_other() -> None:
    exchange = Exchange()
    batcher = exchange.batcher()
    first, *others = await asking(batcher, *"ABC")
    await exchange.answer()
    later = await asking(batcher, "D")

    await exchange.answer(ExchangeUnavailable("no answer"))
    await exchange.answer()

    assert (first.result(), later[0].result()) == ("a", "d")
    assert [type(each.exception()) for each in others] == [ExchangeUnavailable] * 2


async def test_what_waits_for_a_question_that_is_refused_as_one_too_many_is_not_asked() -> None:
    exchange = Exchange()
    batcher = exchange.batcher()
    tasks = await asking(batcher, *"ABC")

    await exchange.answer(RateLimited(2))

    assert [type(each.exception()) for each in tasks] == [RateLimited] * 3
    assert exchange.asked == [["A"]]
    assert exchange.refusals == 1
    later = await asking(batcher, "D")
    await exchange.answer()
    assert later[0].result() == "d"


@pytest.mark.parametrize("answered", [True, False])
async def test_who_gives_up_takes_nobody_along(*, answered: bool) -> None:
    """Neither the one who asks for all, nor the one who would be next, before or after the question went out."""
    exchange = Exchange(room=2 if answered else 1)
    batcher = exchange.batcher()
    first, *others = await asking(batcher, *"ABCDE")
    if answered:
        await exchange.answer()
        assert first.result() == "a"

    others[0].cancel()
    others[1].cancel()
    await turns()
    exchange.make_room()
    exchange.answers_at_once = True
    if not answered:
        await exchange.answer()

    assert await asyncio.gather(*others[2:]) == ["d", "e"]
    assert exchange.asked[-1] == ["D", "E"]


async def test_a_question_that_everybody_gave_up_before_it_went_out_is_not_asked() -> None:
    exchange = Exchange(room=0)
    batcher = exchange.batcher()
    for task in await asking(batcher, *"ABC"):
        task.cancel()
    await turns()
    exchange.answers_at_once = True
    exchange.make_room()

    assert await batcher.of("D") == "d"
    assert exchange.asked == [["D"]]


async def test_an_answer_that_holds_other_names_is_none() -> None:
    asked: list[Sequence[str]] = []

    class StrangeAnswers(Exchange):
        async def ask(self, names: Sequence[str]) -> Mapping[str, str]:
            asked.append(names)
            await asyncio.sleep(0)
            assert len(asked) < 20
            return {"X": "x"}

    answers = await asyncio.gather(*(await asking(StrangeAnswers().batcher(), *"ABC")))

    assert answers == [None, None, None]
    assert len(asked) <= 5
