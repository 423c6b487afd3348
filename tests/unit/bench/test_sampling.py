"""Samples are interleaved, numbered, and without their warm-ups."""

import pytest

from bench import sampling
from bench.sampling import Plan, interleaved


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "PACE_SECONDS", (0.0, 0.0))
    monkeypatch.setattr(sampling, "BLOCK", 2)


async def taken(plan: Plan) -> tuple[list[int], list[int], str]:
    order: list[str] = []

    async def floor(number: int) -> int:
        order.append("f")
        return number

    async def ours(number: int) -> int:
        order.append("o")
        return number

    async def pause() -> None:
        order.append(" ")

    bare, own = await interleaved(floor, ours, plan, pause)
    return bare, own, "".join(order)


async def test_blocks_take_turns_after_the_warm_ups() -> None:
    _, _, order = await taken(Plan(samples=5, warmups=3))

    assert order == "fffooo ffoo ffoo fo "


async def test_no_number_is_used_twice_and_warm_ups_are_left_out() -> None:
    bare, ours, _ = await taken(Plan(samples=5, warmups=3))

    assert bare == ours == [3, 4, 5, 6, 7]
