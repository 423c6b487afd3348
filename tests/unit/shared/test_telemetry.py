import pytest

from shared.errors import SettingsError
from shared.settings import TelemetrySettings
from shared.telemetry import serve
from tests.servers.ports import free_ports


async def test_a_host_that_is_not_ours_is_refused_by_its_variable() -> None:
    with pytest.raises(SettingsError, match=r"^SNIPER_METRICS_HOST: cannot listen on 192\.0\.2\.1:\d+: "):
        async with serve(TelemetrySettings(metrics_host="192.0.2.1", metrics_port=free_ports(1)[0])):
            pass


async def test_a_port_in_use_is_refused_by_its_variable() -> None:
    async with serve(TelemetrySettings(metrics_port=0)) as (_, port):
        with pytest.raises(SettingsError, match=rf"^SNIPER_METRICS_PORT: cannot listen on 127\.0\.0\.1:{port}: "):
            async with serve(TelemetrySettings(metrics_port=port)):
                pass
