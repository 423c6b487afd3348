"""Sessions that are held for good leave some to work with."""

from dataclasses import replace

import pytest
from pydantic import SecretStr

from cli.process import POOL_SIZE_MIN, ProcessPlan, ProcessSettings, require_room
from shared.errors import SettingsError
from shared.settings import BrokerSettings, DatabaseSettings

BROKER = BrokerSettings(url=SecretStr("amqp://broker.invalid"))
IN_PROCESS = BrokerSettings()


def settings_of(pool_size: int, broker: BrokerSettings) -> ProcessSettings:
    return replace(ProcessSettings.load(), database=DatabaseSettings(pool_size=pool_size), broker=broker)


def plan(*services: str) -> ProcessPlan:
    return ProcessPlan("test", services=services, migrate=False)


@pytest.mark.parametrize(
    ("services", "broker"),
    [(("ingest", "executor"), BROKER), (("ingest", "executor"), IN_PROCESS), (("executor",), IN_PROCESS)],
)
def test_pool_too_small_for_what_keeps_a_session_is_refused(services: tuple[str, ...], broker: BrokerSettings) -> None:
    with pytest.raises(SettingsError, match=f"SNIPER_DATABASE_POOL_SIZE: 4 is too few .* at least {POOL_SIZE_MIN}"):
        require_room(settings_of(POOL_SIZE_MIN - 1, broker), plan(*services))
    require_room(settings_of(POOL_SIZE_MIN, broker), plan(*services))


def test_service_of_its_own_on_a_broker_takes_two() -> None:
    require_room(settings_of(2, BROKER), plan("executor"))
