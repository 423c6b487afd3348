"""Loops in which what is wrong with one item concerns that one."""

import pytest

from shared.errors import PermanentError, TransientError, each_isolated, in_a_line, readable


async def test_an_item_that_fails_is_handed_over_and_the_others_go_on() -> None:
    done: list[int] = []
    failed: list[tuple[int, str]] = []

    async def step(item: int) -> None:
        if item == 2:
            raise PermanentError("broken")
        done.append(item)

    await each_isolated((1, 2, 3), step, failed=lambda item, error: failed.append((item, str(error))))

    assert (done, failed) == ([1, 3], [(2, "broken")])


async def test_what_is_away_for_all_ends_the_loop() -> None:
    failed: list[int] = []

    async def step(_: int) -> None:
        raise TransientError("away")

    with pytest.raises(TransientError):
        await each_isolated((1, 2), step, failed=lambda item, _: failed.append(item))
    assert failed == []


def test_what_can_be_read_is_and_the_rest_is_handed_over() -> None:
    failed: list[str] = []

    assert readable(("1", "x", "3"), int, failed=lambda item, _: failed.append(item)) == [1, 3]
    assert failed == ["x"]


def test_an_error_is_told_in_one_line_of_bounded_length() -> None:
    assert in_a_line(ValueError("first\nsecond")) == "ValueError: first"
    assert len(in_a_line(ValueError("x" * 1000))) == 200
