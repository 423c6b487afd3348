"""Services by name, each imported only where it runs, to save memory."""
# ruff: noqa: PLC0415

from collections.abc import Callable, Collection, Coroutine, Mapping
from types import MappingProxyType
from typing import Final

from shared.process.runtime import Runtime
from shared.settings import DataSettings, ExchangeSettings, load

Serve = Callable[[Runtime, ExchangeSettings | None], Coroutine[None, None, None]]
"""Runs a service, on the given exchange instead of its settings' if there is one."""


def prepare(names: Collection[str]) -> Mapping[str, Serve]:
    """Import these services and read their settings only; raise SettingsError naming each bad variable."""
    return {name: _PREPARED[name]() for name in names}


def prepare_persister() -> Serve:
    from persister.service import serve
    from persister.settings import PersisterSettings

    settings = load(PersisterSettings)
    return lambda runtime, _: serve(runtime, settings)


def prepare_dedup() -> Serve:
    from dedup.service import serve
    from dedup.settings import DedupSettings

    settings = load(DedupSettings)
    return lambda runtime, _: serve(runtime, settings)


def prepare_executor() -> Serve:
    from executor.service import serve
    from executor.settings import ExecutorSettings, ExitSeeds

    settings, venue, data_dir = load(ExecutorSettings), load(ExchangeSettings), load(DataSettings).data_dir
    seeds = load(ExitSeeds)
    return lambda runtime, instead: serve(runtime, settings, instead or venue, data_dir, seeds=seeds)


def prepare_ingest() -> Serve:
    from ingest.service import serve
    from ingest.settings import IngestSettings

    settings, venue = load(IngestSettings), load(ExchangeSettings)
    return lambda runtime, instead: serve(runtime, settings, instead or venue)


def prepare_express() -> Serve:
    """Prepare ingest and executor with the express way between them."""
    from cli.composing.express.core import require
    from cli.composing.express.service import ExpressTerms, serve
    from cli.composing.express.settings import ExpressSettings
    from executor.settings import ExecutorSettings, ExitSeeds
    from ingest.settings import IngestSettings

    way = load(ExpressSettings)
    require(way.express_core)
    venue, data_dir = load(ExchangeSettings), load(DataSettings).data_dir
    terms = ExpressTerms(load(IngestSettings), load(ExecutorSettings), load(ExitSeeds), data_dir, way)
    return lambda runtime, instead: serve(runtime, terms, instead or venue)


def prepare_api() -> Serve:
    from api.service import serve
    from api.settings import ApiSettings

    settings = load(ApiSettings)
    return lambda runtime, _: serve(runtime, settings)


def prepare_notifier() -> Serve:
    from cli.composing.telegram_operations import DatabaseOperations
    from notifier.service import serve
    from notifier.settings import NotifierSettings

    settings = load(NotifierSettings)
    return lambda runtime, _: serve(runtime, settings, DatabaseOperations(runtime.database))


def configured_services() -> tuple[str, ...]:
    """Return the services that `sniper up` runs: all, but the notifier only if it is configured."""
    from notifier.settings import NotifierSettings

    return tuple(name for name in NAMES if name != NOTIFIER or load(NotifierSettings).is_configured)


NOTIFIER: Final = "notifier"
EXPRESS: Final = "express"
EXPRESS_PARTS: Final = ("ingest", "executor")
"""Services that run together as `EXPRESS`."""
_PREPARED: Final[Mapping[str, Callable[[], Serve]]] = MappingProxyType(
    {
        "persister": prepare_persister,
        "dedup": prepare_dedup,
        "executor": prepare_executor,
        "ingest": prepare_ingest,
        "api": prepare_api,
        NOTIFIER: prepare_notifier,
        EXPRESS: prepare_express,
    }
)
NAMES: Final = tuple(name for name in _PREPARED if name != EXPRESS)
"""Services; the express way is a composition of two of them."""
