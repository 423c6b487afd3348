"""Settings shared by several services, from SNIPER_* variables, a .env file or mounted secret files."""

import json
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as UndecodableError

from shared.errors import SettingsError
from shared.setting_types import BrokerUrl, DatabaseUrl, PastDay, RestUrl, WebsocketUrl
from shared.settings_sources import Environment, unreadable_sources

PREFIX = "SNIPER_"
SECRETS_DIRECTORY = Path("/run/secrets")
MEXC_REST_URL = "https://api.mexc.com"
MEXC_WS_URL = "wss://wbs-api.mexc.com/ws"
MEXC_WEB_URL = "https://www.mexc.com"


class Settings(BaseSettings):
    """Base of every settings class: frozen, prefixed, and without values in its errors."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        secrets_dir=SECRETS_DIRECTORY if SECRETS_DIRECTORY.is_dir() else None,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        env_ignore_empty=True,
    )

    @field_validator("*", mode="before")
    @classmethod
    def _without_blanks_around(cls, value: object) -> object:
        """Values from files mostly end in a line break."""
        return value.strip() if isinstance(value, str) else value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - replaced by a source that knows Kubernetes
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the sources, highest priority first."""
        return init_settings, Environment(settings_cls), dotenv_settings, file_secret_settings


class BrokerSettings(Settings):
    """RabbitMQ. Without a URL the bus is in-process."""

    model_config = SettingsConfigDict(env_prefix=f"{PREFIX}BROKER_")

    url: BrokerUrl | None = None
    ca_file: Path | None = None
    """Certificate authority for `amqps`, in PEM form; None for those of the system."""
    heartbeat_seconds: int = Field(default=10, ge=5, le=60)
    publish_timeout_seconds: float = Field(default=5.0, gt=0, le=60)
    drain_seconds: float = Field(default=10.0, gt=0, le=15)


class DatabaseSettings(Settings):
    """PostgreSQL. Without a URL an embedded server keeps its data below the data directory."""

    model_config = SettingsConfigDict(env_prefix=f"{PREFIX}DATABASE_")

    url: DatabaseUrl | None = None
    ca_file: Path | None = None
    """Certificate authority for the server, in PEM form; host names are checked, too."""
    pool_size: int = Field(default=10, ge=2, le=100)
    statement_timeout_seconds: float = Field(default=5.0, gt=0, le=60)
    connect_timeout_seconds: float = Field(default=5.0, gt=0, le=60)
    migration_wait_seconds: float = Field(default=60.0, ge=0, le=3600)
    """Timeout of a migration for another one to end."""
    migration_lock_seconds: float = Field(default=10.0, ge=0.001, le=600)
    """Timeout of a migration for a table that another session locks."""


class DataSettings(Settings):
    """Data directory of the embedded services."""

    data_dir: Path = Path(".sniper")


class ExchangeSettings(Settings):
    """Exchange and API key."""

    mexc_rest_url: RestUrl = MEXC_REST_URL
    mexc_ws_url: WebsocketUrl = MEXC_WS_URL
    mexc_web_url: RestUrl | None = None
    mexc_api_key: SecretStr | None = None
    mexc_api_secret: SecretStr | None = None
    mexc_api_key_created: PastDay | None = None
    """Creation day of the key, for example 2026-03-01, which the exchange does not return."""
    mexc_api_key_ip_bound: bool = False
    """Whether the key is bound to IP addresses; an unbound key expires."""
    live: bool = False

    @property
    def trading_ws_url(self) -> str | None:
        """Return the websocket that trading may go by; None where REST may be another exchange's.

        That is where one of both URLs is MEXC's and the other is not: MEXC's prices must not sell a simulator's coins,
        and the key of an account is for its own exchange.
        """
        is_mexc = self.mexc_rest_url == MEXC_REST_URL, self.mexc_ws_url == MEXC_WS_URL
        return self.mexc_ws_url if len(set(is_mexc)) == 1 else None

    @property
    def web_url(self) -> str:
        """Return the URL of the web site with the calendar of new coins, https://www.mexc.com by default.

        Another REST URL replaces it, so that openings on MEXC are not expected of a simulator.
        """
        if self.mexc_web_url is not None:
            return self.mexc_web_url
        return MEXC_WEB_URL if self.mexc_rest_url == MEXC_REST_URL else self.mexc_rest_url


class TelemetrySettings(Settings):
    """Logs, metrics and traces of a process."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["console", "json"] = "console"
    metrics_host: str = "127.0.0.1"
    metrics_port: int = Field(default=9464, ge=0, le=65535)
    """Serves /metrics, /livez and /readyz; 0 takes a free port."""
    otlp_endpoint: RestUrl | None = None
    """Collector of traces, over OTLP/HTTP; without it none are made."""


S = TypeVar("S", bound=Settings)


def load(settings: type[S]) -> S:
    """Read *settings* from the environment; raise SettingsError naming each bad variable, never its value.

    An unreadable file is an error too: without it, another database might be used.
    """
    if unreadable := list(unreadable_sources(settings)):
        raise SettingsError("; ".join(unreadable))
    try:
        return settings()
    except UndecodableError as error:
        field = next((name for name in settings.model_fields if f'"{name}"' in str(error)), "*")
        prefix = settings.model_config.get("env_prefix") or ""
        raise SettingsError(f"{prefix}{field}".upper() + ": is no JSON") from None
    except ValidationError as error:
        prefix = settings.model_config.get("env_prefix") or ""
        problems = error.errors(include_input=False, include_url=False, include_context=False)
        complaints = [
            f"{prefix}{problem['loc'][0] if problem['loc'] else '*'}".upper()
            + f": {problem['msg'].removeprefix('Value error, ')}"
            for problem in problems
        ]
        raise SettingsError("; ".join(complaints)) from None


def listed(value: object) -> object:
    """Return the items of a text, separated by commas or, as in earlier builds, in JSON."""
    if not isinstance(value, str):
        return value
    if not value.lstrip().startswith("["):
        return [item.strip() for item in value.split(",") if item.strip()]
    try:
        return json.loads(value)
    except ValueError:
        raise ValueError("is separated by commas, like USDT,USDC") from None
