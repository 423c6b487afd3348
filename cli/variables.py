"""The variables that mean something to us, so that one that was misspelt does not go unnoticed."""

import difflib
import os
from collections.abc import Iterable
from typing import Final

import structlog
from pydantic_settings import BaseSettings, DotEnvSettingsSource

from api.settings import ApiSettings
from dedup.settings import DedupSettings
from executor.settings import ExecutorSettings
from ingest.settings import IngestSettings
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
    IngestSettings,
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


def unknown(names: Iterable[str]) -> list[str]:
    """Return those of *names* that look like ours and are not."""
    return sorted({name.upper() for name in names if name.upper().startswith(PREFIX)} - known())


def warn_of_unknown() -> None:
    """Log each variable of the environment or the .env file that nobody reads, and what was probably meant.

    Only a warning: Kubernetes makes up variables like these for every service of a namespace.
    """
    for name in unknown([*os.environ, *DotEnvSettingsSource(Settings).env_vars]):
        meant = difflib.get_close_matches(name, known(), n=1)
        log.warning("unknown setting, ignored", variable=name, meant=meant[0] if meant else None)
