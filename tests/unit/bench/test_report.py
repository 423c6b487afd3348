"""The results file."""

import json
from pathlib import Path

from bench.figures import Figures, Result
from bench.machine import describe
from bench.report import save


def test_file_has_an_entry_for_each_benchmark_and_one_for_the_machine(tmp_path: Path) -> None:
    path = tmp_path / "results" / "latest.json"
    result = Result(ours=Figures(6.0, 30.0), floor=Figures(4.0, 10.0), what="a sample")

    save({"pipeline": result}, describe(), path)

    saved = json.loads(path.read_text())
    assert saved.keys() == {"machine", "pipeline"}
    assert saved["pipeline"]["floor"] == {"p50_ms": 4.0, "p99_ms": 10.0}
    assert saved["machine"]["cores"] >= 1
