"""The gauge of the certificates of broker and database."""

import pytest
from prometheus_client import CollectorRegistry

from shared.process.server_certificates import ReadExpiry, ServerCertificates
from shared.tls import expiry_of

EXPIRY = "sniper_server_certificate_expiry_timestamp_seconds"
ENDS = 1_900_000_000.0


def reading(expiry: float | Exception | None) -> ReadExpiry:
    async def read() -> float | None:
        if isinstance(expiry, Exception):
            raise expiry
        return expiry

    return read


@pytest.mark.parametrize("away", [OSError("away"), TimeoutError(), KeyError("notAfter")])
async def test_a_server_that_cannot_be_read_hides_no_other(away: Exception) -> None:
    registry = CollectorRegistry()

    await ServerCertificates({"broker": reading(away), "database": reading(ENDS)}, registry).read()

    assert registry.get_sample_value(EXPIRY, {"server": "database"}) == ENDS
    assert registry.get_sample_value(EXPIRY, {"server": "broker"}) is None


async def test_the_last_figure_stays_while_a_server_is_away() -> None:
    registry, servers = CollectorRegistry(), {"broker": reading(ENDS)}
    certificates = ServerCertificates(servers, registry)

    await certificates.read()
    servers["broker"] = reading(OSError("away"))
    await certificates.read()

    assert registry.get_sample_value(EXPIRY, {"server": "broker"}) == ENDS


async def test_a_server_without_tls_has_no_sample() -> None:
    registry = CollectorRegistry()

    await ServerCertificates({"broker": reading(None)}, registry).read()

    assert registry.get_sample_value(EXPIRY, {"server": "broker"}) is None


@pytest.mark.parametrize("peer", [None, {}])
def test_no_certificate_and_one_that_was_not_checked_have_no_end(peer: dict[str, str] | None) -> None:
    assert expiry_of(peer) is None


def test_the_end_is_a_unix_time() -> None:
    assert expiry_of({"notAfter": "Mar 17 17:46:40 2030 GMT"}) == ENDS
