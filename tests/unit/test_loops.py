"""The check of loops over many things: what it finds, and that it finds nothing."""

from textwrap import dedent

import pytest

from tests.tools.loops import findings, loops_that_fail_together

FAIL_TOGETHER = (
    "for row in rows:\n    await publish(row)",
    "for row in rows:\n    made.append(Trade.model_validate(row))",
    "async for row in rows:\n    await publish(row)",
    "return [order_of(row) for row in rows]",
    "return {row.id: Decimal(row.price) for row in rows}",
    "return list(map(order_of, rows))",
    "await gather(*(look(row) for row in rows))",
    "for row in rows:\n    try:\n        await publish(row)\n    except ValueError:\n        pass",
    "for row in rows:\n    try:\n        await act(row)\n    except Exception:\n        pass\n    await remove(row)",
    "return [row for row in rows if await due(row)]",
    "for row in rows:\n    with about(row):\n        await act(row)",
    "for row in rows:\n    with it:\n        try:\n            await act()\n        except KeyError:\n            0",
)
ISOLATED = (
    "for row in rows:\n    made.append(row)",
    "await each_isolated(rows, publish, failed=tell)",
    "return readable(rows, order_of, failed=tell)",
    "for row in rows:\n    try:\n        await act(row)\n    except Exception:\n        log.exception('one')",
    "for row in rows:\n    with it:\n        try:\n            await act()\n        except Exception:\n            0",
    "for attempt in count():\n    await publish(rows)",
    "await gather(one(), other())",
    "await publish(rows)",
)


def function(body: str) -> str:
    return "async def act(rows):\n" + "\n".join(f"    {line}" for line in dedent(body).splitlines())


@pytest.mark.parametrize("body", FAIL_TOGETHER)
def test_a_loop_that_one_item_can_end_is_found(body: str) -> None:
    assert list(loops_that_fail_together(function(body))) == ["act"]


@pytest.mark.parametrize("body", ISOLATED)
def test_a_loop_that_passes_over_what_fails_is_not(body: str) -> None:
    assert list(loops_that_fail_together(function(body))) == []


def test_the_function_that_has_the_loop_is_named_and_not_the_one_around_it() -> None:
    inner = "def inner(rows):\n    return [order_of(row) for row in rows]\nreturn inner(rows)"

    assert list(loops_that_fail_together(function(inner))) == ["inner"]


def test_every_loop_over_many_things_is_honest() -> None:
    assert findings() == []
