"""Every benchmark runs, and what is measured stays whatever becomes of the rest."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench import footprint
from bench.__main__ import ALONE, ON_SERVERS, measure_on_servers
from bench.figures import Result
from bench.harness import Harness
from bench.sampling import Plan
from tests.servers.databases import PostgresServer
from tests.servers.guard import guarded
from tests.servers.rabbitmq import RabbitMQServer
from tests.support.running.processes import clean
from tests.support.running.starting import forked

BY_TWO_CLOCKS = ("openings",)
"""The exchange's time is one of them: on a busy machine it is known less well than two samples take."""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", ON_SERVERS)
def test_every_benchmark_runs_with_two_samples(
    name: str, postgres_server: PostgresServer, rabbitmq_server: RabbitMQServer, tmp_path: Path
) -> None:
    with guarded() as guard:
        harness = Harness(Plan(samples=2, warmups=1), postgres_server, rabbitmq_server, guard, tmp_path, start=forked)
        result = measure_on_servers(name, harness)

    assert isinstance(result, Result), result
    assert result.floor.p50_ms > 0
    assert result.ours.p50_ms > 0 or name in BY_TWO_CLOCKS
    written = json.loads(json.dumps(result.as_json()))
    assert name != "pipeline" or written["from_frame_sent"]["p50_ms"] > 0


@pytest.mark.timeout(120)
def test_a_run_writes_the_figures_of_each_of_its_benchmarks(tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    options = ("--samples", "2", "--warmups", "1", "--results", str(results))
    command = [sys.executable, "-m", "bench", "openings", *ALONE, *options]

    ended = subprocess.run(command, env=clean(), capture_output=True, text=True, check=False)

    assert ended.returncode == 0, ended.stderr
    written = json.loads(results.read_text())
    assert written.keys() == {"openings", *ALONE, "machine"}
    assert all(written[name]["p50_ms"] > 0 for name in ALONE)


@pytest.mark.timeout(120)
async def test_what_services_and_rows_take_is_measured(
    postgres_server: PostgresServer, rabbitmq_server: RabbitMQServer, tmp_path: Path
) -> None:
    with guarded() as guard:
        harness = Harness(Plan(samples=2, warmups=1), postgres_server, rabbitmq_server, guard, tmp_path, start=forked)
        found = json.loads(json.dumps(await footprint.measure(harness, rows=300, rest_seconds=0.2)))

    assert {name for name, each in found["services"].items() if each["pss_mb"] > 1} == set(footprint.SERVICES)
    assert found["together"]["rss_mb"] > found["together"]["pss_mb"]
    assert found["bytes_of_a_traded_listing"] > 0
    assert all(size > 0 for size in found["per_million"].values())
