"""Status of trading: gates, configuration and exposure, for `sniper status` and the API."""

from typing import Final

from api.operator import trade_config
from api.reading import health
from api.reading.gates import against_limit, live_gates, trading_of
from api.reading.reader import Reader
from api.schemas import ExposureRow, ExposureStatus, Health, Status, TradeConfig
from shared.postgres.database import Database

# Days are in UTC; counters of another day are zero.
EXPOSURE: Final = """
    SELECT mode, reserved_usdt, filled_usdt, failures,
        CASE WHEN day = (now() AT TIME ZONE 'UTC')::date THEN day_orders ELSE 0 END AS orders_today,
        CASE WHEN day = (now() AT TIME ZONE 'UTC')::date THEN day_spent_usdt ELSE 0.00 END AS spent_today_usdt
    FROM exposure ORDER BY mode
"""


async def read(database: Database, reader: Reader) -> tuple[Status, Health]:
    """Return the status and the health it is based on; raises TransientError."""
    config, found = await trade_config.read(database), await health.read(reader)
    return status_of(config, found, await exposure_of(reader, config)), found


async def exposure_of(reader: Reader, config: TradeConfig) -> list[ExposureStatus]:
    """Return the exposure in each mode, with the limit of *config*."""
    rows = await reader.fetch(EXPOSURE)
    return [against_limit(ExposureRow.model_validate(dict(row)), config) for row in rows]


def status_of(config: TradeConfig, found: Health, exposure: list[ExposureStatus]) -> Status:
    """Compute the status."""
    executor = next((each for each in found.components if each.component_name == "executor"), None)
    all_gates = live_gates(executor, config, exposure, now=found.now, gap=found.gap)
    return Status(
        now=found.now,
        exchange_now=health.exchange_now(found.components, found.now),
        trading=trading_of(all_gates, gap=found.gap),
        gates=all_gates,
        health=found.status,
        config=config,
        exposure=exposure,
    )
