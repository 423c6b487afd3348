import re
from pathlib import Path

import pytest
import structlog

from cli.variables import known, unknown, warn_of_unknown


def test_a_misspelt_variable_is_told_with_what_was_meant(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.environ", {"SNIPER_EXECUTOR_ORDERUSDT": "5", "PATH": "/bin"})
    Path(".env").write_text("SNIPER_EXECUTOR_ORDER_USDT=5\nSNIPER_LOGLEVEL=debug\n")

    with structlog.testing.capture_logs() as logs:
        warn_of_unknown()

    assert [(line["variable"], line["meant"]) for line in logs] == [
        ("SNIPER_EXECUTOR_ORDERUSDT", "SNIPER_EXECUTOR_ORDER_USDT"),
        ("SNIPER_LOGLEVEL", "SNIPER_LOG_LEVEL"),
    ]


def test_what_is_read_is_known_in_any_case() -> None:
    assert unknown(["sniper_live", "SNIPER_MEXC_API_SECRET", "SNIPER_INGEST_STALL_SECONDS", "HOME"]) == []


def test_every_variable_that_is_documented_is_known() -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text()
    documented = set(re.findall(r"`(SNIPER_[A-Z0-9_]+)", readme))

    assert documented - known() == set()
    assert len(documented) > 10
