from collections.abc import AsyncIterator

import pytest

from tests.simulators import Simulator
from tests.traders import Trader, trading


@pytest.fixture
async def trader(simulator: Simulator) -> AsyncIterator[Trader]:
    """Trade on the simulator of the module."""
    async with trading(simulator) as trader:
        yield trader
