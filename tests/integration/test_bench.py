"""Every benchmark runs, and what is measured stays whatever becomes of the rest."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import NAMES
from tests.processes import clean

BY_TWO_CLOCKS = ("openings", "pipeline")
"""The exchange's time is one of them: on a busy machine it is known less well than two samples take."""


@pytest.mark.timeout(300)
def test_every_benchmark_runs_with_two_samples_and_writes_its_figures(tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    command = [sys.executable, "-m", "bench", "--samples", "2", "--warmups", "1", "--results", str(results)]

    ended = subprocess.run(command, env=clean(), capture_output=True, text=True, check=False)

    assert ended.returncode == 0, ended.stderr
    written = json.loads(results.read_text())
    assert [name for name in NAMES if not written[name]["floor"]["p50_ms"] > 0] == []
    assert [name for name in NAMES if name not in BY_TWO_CLOCKS and not written[name]["p50_ms"] > 0] == []
    assert written["pipeline"]["from_frame_sent"]["p50_ms"] > 0
