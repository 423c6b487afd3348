"""Lines of the libraries, as they come out."""

import asyncio
import json
import logging

import pytest

from shared.process.telemetry import configure_logging
from shared.settings import TelemetrySettings

CANARY = "c4n4ry"


def log_as_a_process_does() -> None:
    configure_logging(TelemetrySettings(log_format="json"))


def logged(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """The one line that was written."""
    (line,) = capsys.readouterr().err.splitlines()
    shown: dict[str, str] = json.loads(line)
    return shown


@pytest.mark.parametrize("name", ["asyncpg.pool", "sqlalchemy.pool.impl.AsyncAdaptedQueuePool"])
def test_a_lost_connection_of_a_pool_is_one_line_that_says_what_it_means(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    log_as_a_process_does()
    error = ConnectionResetError("peer\nSELECT 1")

    logging.getLogger(name).error("Exception terminating connection %s", "<it>", exc_info=error)

    line = logged(capsys)
    assert line["event"] == "a connection to the database was lost; another is made when it is needed"
    assert (line["level"], line["library"], line["message"]) == ("error", name, "Exception terminating connection <it>")
    assert line["reason"] == "ConnectionResetError: peer"
    assert "exception" not in line


def test_a_fault_of_ours_that_a_library_noticed_keeps_its_traceback_in_our_format(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log_as_a_process_does()
    logging.getLogger("asyncio").error("Task exception was never retrieved\nfuture: <Task>", exc_info=KeyError("bug"))

    line = logged(capsys)
    assert line["message"] == "Task exception was never retrieved"
    assert "KeyError: 'bug'" in line["exception"]


def test_a_password_in_a_line_of_a_library_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    log_as_a_process_does()
    logging.getLogger("aiormq.connection").warning("closed by amqp://u:%s@host/v", CANARY)

    assert logged(capsys)["message"] == "closed by amqp://u:***@host/v"


def test_chatter_of_libraries_is_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    log_as_a_process_does()
    logging.getLogger("httpx").info("GET / 200")

    assert capsys.readouterr().err == ""


async def test_an_error_that_asyncio_alone_knows_of_is_in_our_format(capsys: pytest.CaptureFixture[str]) -> None:
    log_as_a_process_does()
    asyncio.get_running_loop().call_exception_handler(
        {"message": "Future exception was never retrieved", "exception": TimeoutError()}
    )

    line = logged(capsys)
    assert (line["library"], line["message"]) == ("asyncio", "Future exception was never retrieved")
    assert line["reason"] == "TimeoutError:"
