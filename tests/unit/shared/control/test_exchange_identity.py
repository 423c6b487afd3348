import pytest

from shared.control.exchange_identity import LOOPBACK, exchange_of


@pytest.mark.parametrize(
    ("url", "exchange"),
    [
        ("https://api.mexc.com", "api.mexc.com"),
        ("https://API.MEXC.com:443/api", "api.mexc.com"),
        ("http://simulator:8080", "simulator"),
        ("http://10.0.0.7:8080", "10.0.0.7"),
        ("http://127.0.0.1:41234", LOOPBACK),
        ("http://127.8.0.1", LOOPBACK),
        ("http://[::1]:41234", LOOPBACK),
        ("http://localhost:8080", LOOPBACK),
    ],
)
def test_exchange_is_its_host_and_a_simulator_of_this_machine_the_same_on_every_port(url: str, exchange: str) -> None:
    assert exchange_of(url) == exchange
