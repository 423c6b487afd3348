"""Exits from the environment, where they stood before they became configuration: taken over once, then only named."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import structlog

from executor.settings import ExitSeeds
from shared.control import config_store
from shared.control.config_store import Author
from shared.control.controls import Controls
from shared.postgres.database import Database

log = structlog.get_logger(__name__)

AUTHOR: Final = Author("environment")
_CONFIGURED_AS: Final[Mapping[str, str]] = MappingProxyType({"slippage_pct": "entry_slippage_pct"})


async def seed(database: Database, seeds: ExitSeeds) -> None:
    """Set in the configuration what *seeds* name, unless a person or an earlier start has; name them in a warning.

    Raises TransientError when the database is away.
    """
    if not seeds.model_fields_set:
        return
    configured = await plant(database, values_of(seeds), AUTHOR)
    if configured is not None:
        _warn(seeds, configured)


def values_of(seeds: ExitSeeds) -> Mapping[str, object]:
    """Return what *seeds* set, by field of the configuration."""
    named = {_configured_as(name): getattr(seeds, name) for name in seeds.model_fields_set}
    # The variable stands for a stop that trails from the first look, as it did before there was another.
    return {"trailing_activation_pct": None, **named} if "trailing_stop_pct" in named else named


async def plant(database: Database, values: Mapping[str, object], author: Author) -> Controls | None:
    """Set *values* in the configuration, unless exits were ever set there; return it, None where there is none."""
    async with database.transaction() as connection:
        stands = await config_store.lock_config(connection)
        if stands is None:
            return None
        before = stands.controls
        after = before if stands.exits_are_seeded else before.model_copy(update=dict(values))
        if after != before:
            await config_store.write(connection, before, after, author)
        return after


def _warn(seeds: ExitSeeds, configured: Controls) -> None:
    """Say of each variable what counts instead of it."""
    prefix = seeds.model_config.get("env_prefix", "")
    counts = {
        f"{prefix}{name}".upper(): f"{_configured_as(name)} is {getattr(configured, _configured_as(name))}"
        for name in sorted(seeds.model_fields_set)
    }
    log.warning(
        "variables that only ever set the configuration once: change it with `sniper config set` or PUT /config",
        variables=counts,
    )


def _configured_as(name: str) -> str:
    return _CONFIGURED_AS.get(name, name)
