from collections.abc import AsyncIterator

import pytest

from tests.support.running.simulators import Simulator
from tests.support.running.traders import Trader, trading


@pytest.fixture
async def trader(simulator: Simulator) -> AsyncIterator[Trader]:
    """Trade on the simulator of the module."""
    async with trading(simulator) as trader:
        yield trader
