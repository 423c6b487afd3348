import httpx
import pytest

from shared.errors import SettingsError
from shared.process.telemetry import serve
from shared.settings import TelemetrySettings
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


async def test_what_is_awaited_is_missing_from_the_first_answer_on() -> None:
    async with (
        serve(TelemetrySettings(metrics_port=0), awaits=("database", "ingest")) as (telemetry, port),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, verify=False) as client,
    ):
        first = await client.get("/readyz")
        assert telemetry.registry.get_sample_value("sniper_ready") == 0
        telemetry.ready_when("database", lambda: True)
        telemetry.ready_when("ingest", lambda: True)
        last = await client.get("/readyz")
        assert telemetry.registry.get_sample_value("sniper_ready") == 1

    assert (first.status_code, first.text) == (503, "waiting for: database, ingest\n")
    assert last.status_code == 200


async def test_head_answers_as_get_without_a_body() -> None:
    async with (
        serve(TelemetrySettings(metrics_port=0)) as (telemetry, port),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, verify=False) as client,
    ):
        telemetry.ready_when("database", lambda: False)
        answers = {path: await client.head(path) for path in ("/livez", "/readyz", "/metrics", "/nothing")}

    assert [answer.status_code for answer in answers.values()] == [200, 503, 200, 404]
    assert [answer.content for answer in answers.values()] == [b""] * 4
    assert int(answers["/metrics"].headers["content-length"]) > 0
