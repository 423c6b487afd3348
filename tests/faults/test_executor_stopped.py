"""An executor stopped at any moment around an order: row 34."""

import pytest

from tests.faults.ground import Ground
from tests.faults.steps import PLACES

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]


@pytest.mark.parametrize("point", PLACES)
async def test_an_executor_asked_to_stop_at_any_point_finishes_what_it_began_and_ends_well(
    ground: Ground, point: str
) -> None:
    executor = await (ground.relieved() if "reservation_sql.READ" in point else ground.staffed())
    listing = await ground.lists()
    await executor.hold(point)
    await ground.publish(listing)
    await executor.reaches(point)
    await executor.told_to_stop()
    executor.go_on()

    assert await executor.ends() == 0, executor.log()
    assert len(await ground.placed(listing)) == 1
    await ground.staffed()
    await ground.becomes(listing, "filled")
    await ground.settled()
