from pathlib import Path

import pytest

from api.settings import ApiSettings
from executor.settings import ExecutorSettings
from ingest.settings import IngestSettings
from shared.errors import SettingsError
from shared.postgres.database import parse_url
from shared.settings import (
    BrokerSettings,
    DatabaseSettings,
    DataSettings,
    ExchangeSettings,
    Settings,
    TelemetrySettings,
    load,
)

CANARY = "c4n4ry"


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.environ", {})


@pytest.mark.parametrize(
    ("settings", "variable", "value"),
    [
        (BrokerSettings, "SNIPER_BROKER_URL", f"http://guest:{CANARY}@rabbit"),
        (BrokerSettings, "SNIPER_BROKER_URL", f"amqp://guest:guest@rabbit:{CANARY}/"),
        (BrokerSettings, "SNIPER_BROKER_URL", f"amqp://guest:guest@rabbit:99999/{CANARY}"),
        (BrokerSettings, "SNIPER_BROKER_URL", f"amqp://guest:{CANARY}/more@rabbit/"),
        (BrokerSettings, "SNIPER_BROKER_URL", f"amqps://guest:{CANARY}@rabbit/?no_verify_ssl=1"),
        (BrokerSettings, "SNIPER_BROKER_HEARTBEAT_SECONDS", CANARY),
        (BrokerSettings, "SNIPER_BROKER_HEARTBEAT_SECONDS", "4"),
        (BrokerSettings, "SNIPER_BROKER_PUBLISH_TIMEOUT_SECONDS", "0"),
        (BrokerSettings, "SNIPER_BROKER_DRAIN_SECONDS", "-1"),
        (DatabaseSettings, "SNIPER_DATABASE_URL", f"mysql://user:{CANARY}@host/db"),
        (DatabaseSettings, "SNIPER_DATABASE_POOL_SIZE", "1"),
        (DatabaseSettings, "SNIPER_DATABASE_STATEMENT_TIMEOUT_SECONDS", CANARY),
        (DatabaseSettings, "SNIPER_DATABASE_CONNECT_TIMEOUT_SECONDS", "inf"),
        (ExchangeSettings, "SNIPER_MEXC_REST_URL", f"ftp://{CANARY}"),
        (ExchangeSettings, "SNIPER_MEXC_REST_URL", f"https://api.mexc.com/{CANARY}"),
        (ExchangeSettings, "SNIPER_MEXC_REST_URL", f"https://host:{CANARY}"),
        (ExchangeSettings, "SNIPER_MEXC_REST_URL", f"https://user:{CANARY}@host"),
        (ExchangeSettings, "SNIPER_MEXC_REST_URL", "https://:443"),
        (ExchangeSettings, "SNIPER_MEXC_WS_URL", f"https://{CANARY}"),
        (ExchangeSettings, "SNIPER_MEXC_WS_URL", f"wss://host:{CANARY}/ws"),
        (ExchangeSettings, "SNIPER_LIVE", CANARY),
        (TelemetrySettings, "SNIPER_LOG_LEVEL", CANARY),
        (TelemetrySettings, "SNIPER_LOG_FORMAT", CANARY),
        (TelemetrySettings, "SNIPER_METRICS_PORT", "65536"),
        (ExecutorSettings, "SNIPER_EXECUTOR_QUOTE_ASSETS", CANARY),
        (ExecutorSettings, "SNIPER_EXECUTOR_QUOTE_ASSETS", f"USDT,{CANARY}"),
        (ApiSettings, "SNIPER_API_PORT", CANARY),
        (ApiSettings, "SNIPER_API_PORT", "-1"),
    ],
)
def test_a_bad_value_is_refused_by_variable_and_never_shown(
    settings: type[Settings], variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(SettingsError) as refused:
        load(settings)

    assert str(refused.value).startswith(f"{variable}: ")
    assert CANARY not in str(refused.value)
    assert refused.value.__cause__ is None


def test_every_bad_variable_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNIPER_LOG_LEVEL", "loud")
    monkeypatch.setenv("SNIPER_METRICS_PORT", "none")

    with pytest.raises(SettingsError, match=r"SNIPER_LOG_LEVEL: .*; SNIPER_METRICS_PORT: "):
        load(TelemetrySettings)


@pytest.mark.parametrize(
    ("settings", "variable", "value"),
    [
        (BrokerSettings, "SNIPER_BROKER_URL", f"amqp://guest:{CANARY}@rabbit"),
        (DatabaseSettings, "SNIPER_DATABASE_URL", f"postgresql://user:{CANARY}@host/db"),
        (ExchangeSettings, "SNIPER_MEXC_API_KEY", CANARY),
        (ExchangeSettings, "SNIPER_MEXC_API_SECRET", CANARY),
    ],
)
def test_a_secret_is_read_but_not_shown(
    settings: type[Settings], variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)

    loaded = load(settings)

    assert loaded != settings.model_construct()
    assert CANARY not in f"{loaded!r} {loaded} {loaded.model_dump_json()}"


def test_nothing_set_is_the_safe_default() -> None:
    exchange = load(ExchangeSettings)

    assert exchange.live is False
    assert exchange.mexc_api_key is None
    assert load(BrokerSettings).url is None
    assert load(DatabaseSettings).url is None
    assert load(ApiSettings).host == "127.0.0.1"


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNIPER_DATABASE_URL", "")
    monkeypatch.setenv("SNIPER_METRICS_PORT", "")

    assert load(DatabaseSettings).url is None
    assert load(TelemetrySettings).metrics_port == 9464


def test_a_variable_wins_over_the_env_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("SNIPER_DATA_DIR=from-file\nSNIPER_LOG_LEVEL=debug\nSOMEBODY_ELSES=1\n")
    monkeypatch.setenv("SNIPER_DATA_DIR", "from-variable")

    assert load(DataSettings).data_dir == Path("from-variable")
    assert load(TelemetrySettings).log_level == "debug"


def test_several_quote_assets_are_written_as_people_write_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNIPER_EXECUTOR_QUOTE_ASSETS", "USDT, USDC")

    assert load(ExecutorSettings).quote_assets == {"USDT", "USDC"}


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://user:secret@host:{CANARY}/db",
        f"postgresql://user:{CANARY}@host:99999/db",
        f"postgresql://user:{CANARY}@[::1/db",
        CANARY,
    ],
)
def test_a_malformed_database_url_is_refused_by_variable_and_never_shown(url: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse_url(url, variable="SNIPER_DATABASE_URL")

    assert str(refused.value).startswith("SNIPER_DATABASE_URL: ")
    assert CANARY not in str(refused.value)
    assert refused.value.__cause__ is None


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load(ExchangeSettings).live = True  # type: ignore[misc]


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({}, "https://www.mexc.com"),
        ({"SNIPER_MEXC_REST_URL": "http://127.0.0.1:8899"}, "http://127.0.0.1:8899"),
        ({"SNIPER_MEXC_WEB_URL": "https://www.mexc.co"}, "https://www.mexc.co"),
    ],
)
def test_calendar_is_read_where_the_exchange_is(
    variables: dict[str, str], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert load(ExchangeSettings).web_url == url


@pytest.mark.parametrize(
    ("rest_url", "ws_url", "trading"),
    [
        (None, None, "wss://wbs-api.mexc.com/ws"),
        ("http://127.0.0.1:8899", "ws://127.0.0.1:8899/ws", "ws://127.0.0.1:8899/ws"),
        ("http://127.0.0.1:8899", None, None),
        (None, "ws://127.0.0.1:8899/ws", None),
    ],
)
def test_trading_goes_by_the_websocket_where_rest_and_websocket_belong_together(
    rest_url: str | None, ws_url: str | None, trading: str | None
) -> None:
    urls = {"mexc_rest_url": rest_url, "mexc_ws_url": ws_url}
    settings = ExchangeSettings.model_validate({name: url for name, url in urls.items() if url})

    assert settings.trading_ws_url == trading


@pytest.mark.parametrize("written", ["USDT,USDC", " USDT, USDC ", '["USDT", "USDC"]'])
def test_quote_assets_of_detection_are_written_with_commas_or_as_json(
    monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    monkeypatch.setenv("SNIPER_INGEST_QUOTE_ASSETS", written)

    assert load(IngestSettings).quote_assets == {"USDT", "USDC"}


@pytest.mark.parametrize("value", ["[", '["USDT",', "[c4n4ry]"])
def test_a_list_that_cannot_be_read_is_refused_by_variable(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SNIPER_INGEST_QUOTE_ASSETS", value)

    with pytest.raises(SettingsError, match="SNIPER_INGEST_QUOTE_ASSETS: ") as refused:
        load(IngestSettings)
    assert "c4n4ry" not in str(refused.value)


def test_a_value_that_is_no_json_is_refused_by_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    class Listed(Settings):
        several: tuple[str, ...] = ()

    monkeypatch.setenv("SNIPER_SEVERAL", "c4n4ry")

    with pytest.raises(SettingsError, match=r"^SNIPER_SEVERAL: is no JSON$"):
        load(Listed)
