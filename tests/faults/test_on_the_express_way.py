"""Some of these tests over the express way, always; SNIPER_TEST_COMPOSITION=express has all of them run so."""

import pytest

from tests.faults.test_executor_killed import (
    test_an_executor_killed_while_its_request_is_at_the_exchange_does_not_send_another,
)
from tests.support.running.compositions import Composition, normal_way_only

__all__ = ["test_an_executor_killed_while_its_request_is_at_the_exchange_does_not_send_another"]
pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(120),
    normal_way_only("all of them run on the express way"),
]


@pytest.fixture(scope="module")
def composition() -> Composition:
    return Composition.EXPRESS
