"""What the executor trades with here."""

from collections.abc import AsyncIterator

import pytest

from tests.simulators import Simulator, simulator_in_this_process


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with simulator_in_this_process() as started:
        yield started
