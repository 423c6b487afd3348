"""Files and variables that settings come from, when they are not as they should be."""

import os
from pathlib import Path

import pytest

from api.settings import ApiSettings
from shared.errors import SettingsError
from shared.settings import BrokerSettings, DatabaseSettings, DataSettings, ExchangeSettings, TelemetrySettings, load

CANARY = "c4n4ry"


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.environ", {})


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where mounted secrets are."""
    directory = tmp_path / "secrets"
    directory.mkdir()
    monkeypatch.setitem(DatabaseSettings.model_config, "secrets_dir", directory)
    return directory


def refusal() -> str:
    with pytest.raises(SettingsError) as refused:
        load(DatabaseSettings)
    assert CANARY not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "latin-1"])
def test_an_env_file_in_another_encoding_is_named_by_its_path(encoding: str, tmp_path: Path) -> None:
    text = f"SNIPER_LOG_LEVEL=debug\nSNIPER_DATABASE_URL=postgresql://ü:{CANARY}@host/db\n"
    Path(".env").write_bytes(text.encode(encoding))

    assert refusal().startswith(f"{tmp_path / '.env'}: ")
    assert refusal().endswith("save it as UTF-8")


def test_an_env_file_with_a_byte_order_mark_is_read() -> None:
    Path(".env").write_bytes("SNIPER_DATA_DIR=here\n".encode("utf-8-sig"))

    assert load(DataSettings).data_dir == Path("here")


def test_an_env_file_that_is_a_directory_is_named(tmp_path: Path) -> None:
    Path(".env").mkdir()

    assert refusal() == f"{tmp_path / '.env'}: cannot be read: Is a directory"


def test_an_env_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    Path(".env").symlink_to(".env")

    assert refusal() == f"{tmp_path / '.env'}: cannot be read: Too many levels of symbolic links"


def test_an_env_file_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    Path(".env").symlink_to("gone")

    assert refusal() == f"{tmp_path / '.env'}: leads to a file that is not there"


def test_an_env_file_that_is_a_pipe_is_named_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(".env")

    assert refusal() == f"{tmp_path / '.env'}: cannot be read: it is no file"


def test_no_env_file_is_written_as_dev_null_too() -> None:
    Path(".env").symlink_to("/dev/null")

    assert load(DatabaseSettings).url is None


def test_a_secret_file_that_is_not_utf_8_is_named_and_not_shown(secrets: Path) -> None:
    path = secrets / "SNIPER_DATABASE_URL"
    path.write_bytes(f"postgresql://ü:{CANARY}@host/db".encode("latin-1"))

    assert refusal() == f"{path}: must be UTF-8 and is something else in line 1: save it as UTF-8"


def test_a_secret_file_that_cannot_be_opened_is_named(secrets: Path) -> None:
    path = secrets / "sniper_database_url"
    path.symlink_to(path)

    assert refusal() == f"{path}: cannot be read: Too many levels of symbolic links"


def test_a_secret_that_is_a_directory_is_named(secrets: Path) -> None:
    path = secrets / "SNIPER_DATABASE_URL"
    path.mkdir()

    assert refusal() == f"{path}: cannot be read: Is a directory"


def test_secrets_of_others_are_none_of_our_business(secrets: Path) -> None:
    (secrets / "SOMEBODY_ELSES").write_bytes(b"\xff\xfe")
    (secrets / "SNIPER_DATABASE_URL").write_text("postgresql://u@host/db\n")

    url = load(DatabaseSettings).url

    assert url is not None
    assert url.get_secret_value() == "postgresql://u@host/db"


def test_a_variable_that_is_not_utf_8_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNIPER_DATABASE_URL", os.fsdecode(f"postgresql://ü:{CANARY}@host".encode("latin-1")))

    assert refusal() == "SNIPER_DATABASE_URL: is not UTF-8"


def test_line_breaks_around_values_are_not_part_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("SNIPER_DATABASE_URL", "postgresql://u@host/db\n"),
        ("SNIPER_BROKER_URL", " amqp://u@host/v\r\n"),
        ("SNIPER_MEXC_REST_URL", "https://api.mexc.com\n"),
        ("SNIPER_MEXC_API_SECRET", f"{CANARY}\n"),
        ("SNIPER_LOG_LEVEL", "debug\n"),
    ):
        monkeypatch.setenv(name, value)

    database, broker, exchange = load(DatabaseSettings), load(BrokerSettings), load(ExchangeSettings)

    assert database.url is not None
    assert broker.url is not None
    assert exchange.mexc_api_secret is not None
    assert database.url.get_secret_value() == "postgresql://u@host/db"
    assert broker.url.get_secret_value() == "amqp://u@host/v"
    assert exchange.mexc_api_secret.get_secret_value() == CANARY
    assert (exchange.mexc_rest_url, load(TelemetrySettings).log_level) == ("https://api.mexc.com", "debug")


@pytest.mark.parametrize("address", ["tcp://10.0.0.1:8000", "udp://10.0.0.1:53", "tcp://[fd00::1]:8000"])
def test_a_port_that_kubernetes_made_up_is_not_ours(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNIPER_API_PORT", address)
    monkeypatch.setenv("SNIPER_METRICS_PORT", address)

    assert (load(ApiSettings).port, load(TelemetrySettings).metrics_port) == (8000, 9464)


def test_what_the_env_file_says_counts_where_kubernetes_took_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("SNIPER_API_PORT=8123\n")
    monkeypatch.setenv("SNIPER_API_PORT", "tcp://10.0.0.1:8000")

    assert load(ApiSettings).port == 8123


@pytest.mark.parametrize(
    "url",
    [
        f"amqp://u:{CANARY}@x@host/v",
        f"amqp://u:1/{CANARY}@host/v",
        f"amqp://u:1#{CANARY}@host/v",
        f"amqp://u:1?{CANARY}@host/v",
        f"amqp://u:{CANARY}#x@host/v",
    ],
)
def test_a_broker_url_that_cannot_be_meant_is_named_with_how_to_write_it(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SNIPER_BROKER_URL", url)

    with pytest.raises(SettingsError) as refused:
        load(BrokerSettings)

    assert str(refused.value).startswith("SNIPER_BROKER_URL: ")
    assert "@ is written %40" in str(refused.value)
    assert CANARY not in str(refused.value)
