import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any, Literal

import pytest
import structlog

from shared.process.redaction import MASK, Redaction, hidden_by_form, values_of
from shared.process.telemetry import configure_logging
from shared.settings import BrokerSettings, DatabaseSettings, ExchangeSettings, TelemetrySettings

SECRET = "c4n4ry-s3cr3t"
TOKEN = "snt_0123456789abcdef." + "Zz09_-" * 7 + "Q"


@pytest.fixture(params=["json", "console"])
def logged(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    log_format: Literal["json", "console"] = request.param

    def log(event: str, **fields: Any) -> str:
        configure_logging(TelemetrySettings(log_format=log_format), {SECRET})
        structlog.get_logger().error(event, **fields)
        return capsys.readouterr().err

    return log


class Leaking:
    def __repr__(self) -> str:
        return f"Leaking({SECRET})"


@pytest.mark.parametrize(
    "fields",
    [
        {"message": f"got {SECRET}, sorry"},
        {"url": f"https://x/?key={SECRET}&b=1"},
        {"headers": {"X-MEXC-APIKEY": SECRET}},
        {"nested": [{"a": (SECRET,)}, {SECRET}]},
        {SECRET: 1} | {"by_name": {SECRET: 1}},
        {"object": Leaking()},
        {"raw": SECRET.encode()},
        {"message": f"sent {TOKEN}"},
        {"message": f"dialling amqp://guest:{SECRET[:4]}@rabbit failed"},
    ],
)
def test_secrets_are_hidden_by_value_and_form_wherever_they_stand(
    logged: Callable[..., str], fields: dict[str, Any]
) -> None:
    fields = {name.replace(SECRET, "plain"): value for name, value in fields.items()}

    line = logged("failed", **fields)

    assert "failed" in line
    assert MASK in line
    assert SECRET not in line
    assert f":{SECRET[:4]}@" not in line
    assert TOKEN[:25] not in line


@pytest.mark.parametrize(
    "key",
    [
        "token",
        "api_token",
        "password",
        "mexc_api_secret",
        "api-key",
        "Authorization",
        "cookie",
        "signature",
        "listenKey",
    ],
)
def test_what_stands_under_the_name_of_a_secret_is_hidden_whatever_it_is(logged: Callable[..., str], key: str) -> None:
    assert "short" not in logged("failed", **{key: "short"})
    assert "short" not in logged("failed", headers={key: ["short"]})


def test_an_exception_is_redacted_too_and_its_causes(logged: Callable[..., str]) -> None:
    error = RuntimeError(f"effect {TOKEN}")
    error.__cause__ = ValueError(f"cause {SECRET}")

    line = logged("failed", exc_info=error)

    assert "RuntimeError: effect ***" in line
    assert "ValueError: cause ***" in line
    assert SECRET not in line
    assert TOKEN[:25] not in line


def test_everything_else_is_logged_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(TelemetrySettings(log_format="json"), {SECRET, "short"})
    day = date(2026, 3, 2)

    structlog.get_logger().info("a short listing", token_name="ops", n=1, ok=True, price=Decimal("1.5"), day=day)

    line = json.loads(capsys.readouterr().err)
    assert {name: line[name] for name in ("event", "token_name", "n", "ok", "price", "day")} == {
        "event": "a short listing",
        "token_name": "ops",
        "n": 1,
        "ok": True,
        "price": "Decimal('1.5')",
        "day": "datetime.date(2026, 3, 2)",
    }


def test_the_values_to_hide_are_those_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.environ", {"PGPASSWORD": "from-libpq"})
    database = DatabaseSettings(url="postgresql://user:p%40ssw%C3%B6rd@host/db?sslpassword=tls-pass")
    broker = BrokerSettings(url="amqp://guest:r4bbit@host/")
    exchange = ExchangeSettings(mexc_api_key="the-key", mexc_api_secret="the-secret")

    assert values_of([database, broker, exchange, DatabaseSettings()]) == {
        "from-libpq",
        "p%40ssw%C3%B6rd",
        "p@sswörd",
        "tls-pass",
        "r4bbit",
        "the-key",
        "the-secret",
    }


def test_longer_values_go_first_and_short_ones_are_left_to_their_keys() -> None:
    hidden = Redaction({"secret-1", "secret-12", "abc"}).hidden

    assert hidden("secret-12 abc secret-1") == "*** abc ***"


def test_signatures_of_requests_are_hidden_by_form() -> None:
    assert hidden_by_form("GET /api/v3/order?symbol=A&signature=0123abcdef HTTP") == (
        "GET /api/v3/order?symbol=A&signature=*** HTTP"
    )


def test_listen_keys_are_hidden_by_form() -> None:
    assert hidden_by_form("wss://wbs/ws?listenKey=0a%2F1b&x=1 isn't valid, nor 'listenKey=2c'") == (
        "wss://wbs/ws?listenKey=***&x=1 isn't valid, nor 'listenKey=***'"
    )
