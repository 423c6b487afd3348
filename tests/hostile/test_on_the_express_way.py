"""Some of these tests over the express way, always; SNIPER_TEST_COMPOSITION=express has all of them run so."""

import pytest

from tests.hostile.test_answers import (
    test_a_ban_that_names_no_time_is_kept_for_minutes,
    test_an_order_behind_a_refusal_is_found_and_not_sent_again,
)
from tests.support.running.compositions import Composition, normal_way_only

__all__ = [
    "test_a_ban_that_names_no_time_is_kept_for_minutes",
    "test_an_order_behind_a_refusal_is_found_and_not_sent_again",
]
pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(60),
    normal_way_only("all of them run on the express way"),
]


@pytest.fixture(scope="module")
def composition() -> Composition:
    return Composition.EXPRESS
