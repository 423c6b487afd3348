"""Ingest as a whole: what is about to open is followed on streams of its own."""

import asyncio

from ingest import service
from ingest.settings import IngestSettings
from shared.postgres.database import Database
from shared.process.runtime import Runtime
from shared.process.telemetry import Telemetry
from shared.settings import ExchangeSettings
from tests.support.fakes.fakes import RecordingBus
from tests.support.running.services import open_database, serving
from tests.support.running.simulators import running_simulator
from tests.waiting import eventually


async def test_symbol_about_to_open_is_followed_until_it_trades(database_url: str) -> None:
    settings = IngestSettings(exchange_info_seconds=2, drain_seconds=0.5)
    async with open_database(database_url) as database, running_simulator(ticker_interval_seconds=1) as simulator:
        runtime = Runtime(RecordingBus(), database, Telemetry(), asyncio.Event())
        runtime.telemetry.ready_when("ingest", lambda: False)
        exchange = ExchangeSettings(mexc_rest_url=simulator.rest_url, mexc_ws_url=simulator.ws_url)

        def followed() -> float | None:
            return runtime.telemetry.registry.get_sample_value("sniper_ingest_followed_symbols")

        async with serving(runtime, lambda given: service.serve(given, settings, exchange)):
            await eventually(lambda: not runtime.telemetry.not_ready())
            await simulator.list_coin("SOONUSDT", opens_in=3)
            await eventually(lambda: followed() == 1)
            await eventually(lambda: followed() == 0)
            await eventually(lambda: _is(database, "SOONUSDT", "tradable"))


async def _is(database: Database, symbol: str, state: str) -> bool:
    async with database.connection() as connection:
        return bool(await connection.fetchval("SELECT state = $2 FROM symbols WHERE symbol = $1", symbol, state))
