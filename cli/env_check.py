"""Check of environment variables, so that a misspelled one does not go unnoticed."""

import difflib
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import structlog
from pydantic_settings import BaseSettings, DotEnvSettingsSource

from api.settings import PLAIN_ADVICE, ApiSettings
from cli.composing.express.settings import ExpressSettings
from dedup.settings import DedupSettings
from executor.settings import ExecutorSettings, ExitSeeds
from ingest.settings import IngestSettings
from notifier.settings import NotifierSettings
from persister.settings import PersisterSettings
from shared.settings import (
    PREFIX,
    BrokerSettings,
    DatabaseSettings,
    DataSettings,
    ExchangeSettings,
    Settings,
    TelemetrySettings,
    load,
)
from shared.settings_sources import is_service_link
from simulator.settings import SimulatorSettings

log = structlog.get_logger()

_SECRETS: Final = frozenset(
    f"{PREFIX}{name}"
    for name in (
        "BROKER_URL",
        "DATABASE_URL",
        "MEXC_API_KEY",
        "MEXC_API_SECRET",
        "NOTIFIER_TELEGRAM_TOKEN",
        "NOTIFIER_URLS",
    )
)

SETTINGS: Final[tuple[type[BaseSettings], ...]] = (
    ApiSettings,
    BrokerSettings,
    DataSettings,
    DatabaseSettings,
    DedupSettings,
    ExchangeSettings,
    ExecutorSettings,
    ExitSeeds,
    ExpressSettings,
    IngestSettings,
    NotifierSettings,
    PersisterSettings,
    SimulatorSettings,
    TelemetrySettings,
)


def known() -> frozenset[str]:
    """Return the name of every variable that is read."""
    return frozenset(
        f"{settings.model_config['env_prefix']}{field}".upper()
        for settings in SETTINGS
        for field in settings.model_fields
    )


def _is_link(name: str, value: str) -> bool:
    return name.upper().startswith(PREFIX) and is_service_link(name, value)


def unknown(names: Iterable[str]) -> list[str]:
    """Return those of *names* with our prefix that no setting has."""
    return sorted({name.upper() for name in names if name.upper().startswith(PREFIX)} - known())


def misspelled_names() -> list[str]:
    """Return each variable of the environment or the .env file with our prefix that is never read."""
    links = {name for name, value in os.environ.items() if _is_link(name, value)}
    return unknown([*(set(os.environ) - links), *DotEnvSettingsSource(Settings).env_vars])


def secrets_others_may_read() -> list[str]:
    """Return each secret that the .env file sets while other users of this machine may read it."""
    try:
        mode = Path(".env").stat().st_mode
    except OSError:
        return []
    set_there = DotEnvSettingsSource(Settings).env_vars
    named = sorted({name.upper() for name, value in set_there.items() if value} & _SECRETS)
    return named if mode & (stat.S_IRGRP | stat.S_IROTH) else []


def plain_api() -> tuple[str, str] | None:
    """Return the API's host where other machines reach it by plain HTTP, and advice; raises SettingsError."""
    settings = load(ApiSettings)
    return (settings.host, PLAIN_ADVICE) if settings.is_plain else None


def warn_about_secrets() -> None:
    """Log the secrets that other users of this machine may read in the .env file."""
    if names := secrets_others_may_read():
        log.warning("other users may read the secrets in .env", variables=names, do="chmod 600 .env")


def warn_about_unknown() -> None:
    """Log each variable of the environment or the .env file that is never read, with the closest known name.

    Service links that Kubernetes adds are named as such, in one line.
    """
    links = sorted(name for name, value in os.environ.items() if _is_link(name, value))
    if links:
        log.warning("variables of Kubernetes, ignored: set enableServiceLinks: false on the pod", variables=links)
    for name in misspelled_names():
        meant = difflib.get_close_matches(name, known(), n=1)
        log.warning("unknown setting, ignored", variable=name, meant=meant[0] if meant else None)
