"""An hour of the exchange in half a minute; `make soak` plays the whole day."""

from pathlib import Path

import pytest

from tests.traffic.findings import Findings, findings
from tests.traffic.memory import deviation
from tests.traffic.run import Servers, played
from tests.traffic.script import ONE_HOUR, old_symbols, script_of
from tests.traffic.truth import truth_of


@pytest.mark.timeout(180)
async def test_hour_of_traffic_is_told_exactly_once_within_the_limits_and_in_flat_memory(
    database_url: str, broker_url: str, tmp_path: Path
) -> None:
    script = script_of(ONE_HOUR)
    record = await played(script, Servers(database_url, broker_url, tmp_path), read_every_seconds=0.5)

    assert findings(record, truth_of(script, old_symbols())) == Findings()
    for readings in record.memory.values():
        assert deviation(readings, warm_after=10) <= 0.05
