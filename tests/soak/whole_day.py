"""A day of the exchange in a quarter of an hour: too long for every run, so only `make soak` collects it."""

from pathlib import Path

import pytest

from tests.traffic.findings import Findings, findings
from tests.traffic.memory import deviation
from tests.traffic.report import report
from tests.traffic.run import Servers, played
from tests.traffic.script import WHOLE_DAY, old_symbols, script_of
from tests.traffic.truth import truth_of

WARM_AFTER_SECONDS = 120


@pytest.mark.timeout(1200)
async def test_day_of_traffic_is_told_exactly_once_within_the_limits_and_in_flat_memory(
    database_url: str, broker_url: str, tmp_path: Path
) -> None:
    script = script_of(WHOLE_DAY)
    truth = truth_of(script, old_symbols())
    record = await played(script, Servers(database_url, broker_url, tmp_path), read_every_seconds=2)
    print(report(record, truth, warm_after=WARM_AFTER_SECONDS))  # noqa: T201 - the figures are what it is run for

    assert findings(record, truth) == Findings()
    for readings in record.memory.values():
        assert deviation(readings, warm_after=WARM_AFTER_SECONDS) <= 0.05
