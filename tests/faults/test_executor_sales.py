"""An executor that is killed at any moment around a sale: rows 8 and 9, on the way out."""

from decimal import Decimal
from typing import Final

import pytest

from tests.faults.ground import Ground
from tests.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

STEPS: Final = ("reservation_sql.SELL", "send", "commit", "look up", "commit#2")
POINTS: Final = tuple(f"{when} {step}" for step in STEPS for when in ("before", "after"))
CLOSE: Final = "INSERT INTO close_requests (listing_key, mode, requested_by) VALUES ($1, 'live', 'test')"
POSITION: Final = "SELECT * FROM positions WHERE listing_key = $1"


@pytest.mark.parametrize("point", POINTS)
async def test_an_executor_killed_at_any_point_of_a_sale_leaves_it_to_its_successor_and_nothing_is_sold_twice(
    ground: Ground, point: str
) -> None:
    executor = await ground.staffed(exit_check_seconds=0.2)
    listing = await ground.lists()
    await ground.publish(listing)
    await ground.becomes(listing, "filled")
    [held] = await ground.rows(POSITION, listing.key)
    await executor.hold(point)
    await ground.execute(CLOSE, listing.key)
    await executor.reaches(point)
    await executor.kill()
    await ground.staffed(exit_check_seconds=0.2)

    async def closed() -> bool:
        [position] = await ground.rows(POSITION, listing.key)
        return bool(position["state"] == "closed")

    await eventually(closed, within_seconds=40)
    await ground.settled()

    sales = [each for each in await ground.placed(listing) if each["side"] == "SELL"]
    assert sum(Decimal(fill["qty"]) for sale in sales for fill in sale["fills"]) == held["base_qty"]
    assert len(sales) == 1
