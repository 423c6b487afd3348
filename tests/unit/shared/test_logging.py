import json
import sys
from io import StringIO
from typing import Literal

import pytest
import structlog

from shared.process.telemetry import configure_logging
from shared.settings import TelemetrySettings

CANARY = "c4n4ry"


def fail() -> None:
    secret = CANARY.upper().lower()
    raise ValueError(f"{len(secret)} characters")


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_an_exception_is_logged_without_the_variables_around_it(
    log_format: Literal["console", "json"], capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(TelemetrySettings(log_format=log_format))

    try:
        fail()
    except ValueError:
        structlog.get_logger().exception("failed")

    logged = capsys.readouterr().err
    assert "ValueError: 6 characters" in logged
    assert CANARY not in logged


def test_json_logs_are_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(TelemetrySettings(log_format="json"))

    structlog.get_logger().warning("waiting", what="database")

    logged = json.loads(capsys.readouterr().err)
    assert (logged["event"], logged["level"], logged["what"]) == ("waiting", "warning", "database")


def test_what_is_below_the_level_is_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(TelemetrySettings(log_level="warning"))

    structlog.get_logger().info("not news")

    assert capsys.readouterr().err == ""


def test_lines_go_to_standard_error_as_it_is_when_they_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    configure_logging(TelemetrySettings(log_format="json"))
    logger, held = structlog.get_logger(), StringIO()

    with monkeypatch.context() as screen:
        screen.setattr(sys, "stderr", held)
        logger.warning("above the screen")

    assert '"above the screen"' in held.getvalue()
