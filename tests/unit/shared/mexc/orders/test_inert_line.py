"""A line that leads nowhere: a post on it goes as far as a write, and the line is free again when it is given up."""

from decimal import Decimal

from shared.events import Side
from shared.mexc.orders.inert_line import InertLine, inert_trading
from shared.mexc.orders.order_api import OrderRequest

REQUEST = OrderRequest("ABCUSDT", Side.BUY, "IMMEDIATE_OR_CANCEL", "id-1", Decimal(1), Decimal(1))


async def test_a_post_ends_at_its_write_and_is_given_up_again_and_again() -> None:
    line, signed = InertLine(), inert_trading().sign(REQUEST, now_ms=0)
    asked = 0

    def may_write() -> bool:
        nonlocal asked
        asked += 1
        return True

    for _ in range(3):
        post = line.post(signed, may_write=may_write)
        post.send(None)
        assert line.callers == 1
        post.close()

    assert (asked, line.callers, line.is_ready) == (3, 0, True)
