"""The variables that mean something to us, so that one that was misspelt does not go unnoticed."""

import difflib
import os
from collections.abc import Iterable
from typing import Final

import structlog
from pydantic_settings import BaseSettings, DotEnvSettingsSource

from api.settings import ApiSettings
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
)
from shared.settings_sources import is_service_link
from simulator.settings import SimulatorSettings

log = structlog.get_logger()

SETTINGS: Final[tuple[type[BaseSettings], ...]] = (
    ApiSettings,
    BrokerSettings,
    DataSettings,
    DatabaseSettings,
    DedupSettings,
    ExchangeSettings,
    ExecutorSettings,
    ExitSeeds,
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
    """Return those of *names* that look like ours and are not."""
    return sorted({name.upper() for name in names if name.upper().startswith(PREFIX)} - known())


def misspelt() -> list[str]:
    """Return each variable of the environment or the .env file that looks like ours and that nobody reads."""
    links = {name for name, value in os.environ.items() if _is_link(name, value)}
    return unknown([*(set(os.environ) - links), *DotEnvSettingsSource(Settings).env_vars])


def warn_of_unknown() -> None:
    """Log each variable of the environment or the .env file that nobody reads, and what was probably meant.

    What Kubernetes makes up for the services of its namespace is named as that, in one line.
    """
    links = sorted(name for name, value in os.environ.items() if _is_link(name, value))
    if links:
        log.warning("variables of Kubernetes, ignored: set enableServiceLinks: false on the pod", variables=links)
    for name in misspelt():
        meant = difflib.get_close_matches(name, known(), n=1)
        log.warning("unknown setting, ignored", variable=name, meant=meant[0] if meant else None)
