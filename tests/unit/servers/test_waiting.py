import asyncio
import itertools

import pytest

from tests.waiting import eventually


async def test_the_first_true_answer_is_returned() -> None:
    answers = iter([None, 0, "ready", "late"])

    assert await eventually(lambda: next(answers)) == "ready"


async def test_a_coroutine_is_awaited() -> None:
    answers = itertools.count()

    async def check() -> int:
        return next(answers)

    assert await eventually(check) == 1


async def test_an_exception_is_a_reason_to_look_again() -> None:
    answers = iter(["not a number", "7"])

    assert await eventually(lambda: int(next(answers))) == 7


async def test_the_deadline_tells_the_last_answer() -> None:
    with pytest.raises(AssertionError, match=r"within 0\.05 s: the check last returned \[\]"):
        await eventually(list, within_seconds=0.05)


async def test_the_deadline_tells_the_last_exception() -> None:
    symbols: dict[str, str] = {}

    with pytest.raises(AssertionError, match=r"the check last raised KeyError\('listing'\)"):
        await eventually(lambda: symbols["listing"], within_seconds=0.05)


async def test_a_check_that_hangs_is_given_up_at_the_deadline() -> None:
    with pytest.raises(AssertionError, match="not a single answer"):
        await eventually(asyncio.Event().wait, within_seconds=0.05)
