"""Nothing about money goes by the wall clock, nor by the database's: both may be set, and are not the exchange's."""

import re
from pathlib import Path

import executor

WALL = re.compile(r"\butc_now\b|\bdatetime\.now\b|\bdatetime\.utcnow\b|\btime\.time\b")
DATABASES = re.compile(r"[<>]=?\s*(?:now\(\)|clock_timestamp\(\)|current_timestamp)|\bcurrent_date\b", re.IGNORECASE)
MAY_READ_IT = {
    # When a component last saw an event is told with its heartbeat, and compared with heartbeats.
    "service.py": 2,
}


def test_no_part_of_the_executor_reads_the_wall_clock() -> None:
    read = {path.name: len(WALL.findall(path.read_text())) for path in sources()}

    assert {name: count for name, count in read.items() if count} == MAY_READ_IT


def test_no_statement_compares_with_the_databases_clock() -> None:
    compared = {path.name: DATABASES.findall(path.read_text()) for path in sources()}

    assert {name: found for name, found in compared.items() if found} == {}


def sources() -> list[Path]:
    return sorted(Path(executor.__file__).parent.rglob("*.py"))
