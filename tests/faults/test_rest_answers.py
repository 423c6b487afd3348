"""REST answers that lack symbols or are none at all: reported and requested again, never taken for "no listings"."""

import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Never

import pytest

from shared.events import HealthStatus
from tests.servers.ports import free_ports
from tests.support.fakes.certificates import self_signed
from tests.support.fakes.loopback import answering, reply, serving
from tests.support.running.polls import polling
from tests.support.running.simulators import Simulator, simulator_in_this_process
from tests.waiting import eventually

EXCHANGE_INFO = "GET /api/v3/exchangeInfo"
QUICK: dict[str, Any] = {
    "default_symbols_seconds": 0.1,
    "exchange_info_seconds": 2,
    "stall_seconds": 3,
}


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with simulator_in_this_process() as running:
        yield running


async def test_empty_snapshot_is_reported_as_it_is_and_asked_for_again_soon(simulator: Simulator) -> None:
    await simulator.arm("exchange_info_empty")
    async with polling(simulator.rest_url, **QUICK | {"exchange_info_seconds": 600}) as polls:
        await eventually(lambda: len(polls.snapshots) == 2)

    assert [len(each) for each in polls.snapshots] == [0, 60]
    assert polls.sample("rest_errors_total", endpoint="exchangeInfo", error="NotBelievedError") == 1


@pytest.mark.parametrize("fault", ["exchange_info_html", "malformed_body", "truncated_body", "drop_connection"])
async def test_snapshot_that_cannot_be_read_is_no_evidence(simulator: Simulator, fault: str) -> None:
    await simulator.arm(fault, endpoint=EXCHANGE_INFO)
    async with polling(simulator.rest_url, **QUICK) as polls:
        await eventually(lambda: polls.snapshots)

    assert [len(each) for each in polls.snapshots] == [60]
    assert polls.sample("rest_errors_total", endpoint="exchangeInfo", error="ExchangeUnavailable") == 1


async def test_endpoint_that_stays_broken_is_degraded_health_while_the_other_carries_on(simulator: Simulator) -> None:
    await simulator.arm("exchange_info_html", count=None)
    async with polling(simulator.rest_url, **QUICK) as polls:
        await eventually(lambda: "exchangeInfo: no data yet (not the answer" in polls.detail)
        seen = len(polls.names)

        assert polls.feeds.health()[0] is HealthStatus.DEGRADED
        await eventually(lambda: len(polls.names) > seen)
        assert polls.snapshots == []


async def test_exchange_that_refuses_connections_is_no_evidence() -> None:
    await _is_unreachable(f"http://127.0.0.1:{free_ports(1)[0]}")


async def test_exchange_whose_name_does_not_resolve_is_no_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> Never:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    await _is_unreachable("http://exchange.test")


async def _is_unreachable(url: str) -> None:
    async with polling(url, **QUICK) as polls:
        await eventually(
            lambda: polls.sample("rest_errors_total", endpoint="defaultSymbols", error="ExchangeUnavailable") > 1
        )
        assert polls.sample("rest_errors_total", endpoint="calendar", error="ExchangeUnavailable") == 1

    assert polls.evidence == []


async def test_exchange_with_a_certificate_nobody_vouches_for_is_asked_nothing(tmp_path: Path) -> None:
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    served.load_cert_chain(self_signed(tmp_path))
    names = answering(reply(b'{"code": 200, "data": ["FAKEUSDT"]}'))
    async with serving(names, tls=served) as imposter, polling(imposter.url, **QUICK) as polls:
        await eventually(
            lambda: polls.sample("rest_errors_total", endpoint="defaultSymbols", error="ExchangeUnavailable") > 1
        )

    assert polls.evidence == []
    assert imposter.requests == []


async def test_exchange_that_comes_back_is_seen_again_within_seconds(simulator: Simulator) -> None:
    await simulator.arm("http_status", endpoint="GET /api/v3/*", status=502, count=2)
    async with polling(simulator.rest_url, **QUICK) as polls:
        await eventually(lambda: polls.names and polls.snapshots)
        assert polls.detail == ""
