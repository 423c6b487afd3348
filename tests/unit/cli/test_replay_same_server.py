"""A replay recognises the configured servers in other notations."""

import pytest

from cli.replay.same_server import is_same_server


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("postgresql://a:b@127.0.0.1:5432/sniper", "postgresql://a:b@127.0.0.1:5432/sniper ", True),
        ("postgresql://a:b@127.0.0.1:5432/sniper", "postgres://other@localhost/sniper?sslmode=disable", True),
        ("postgresql://a@127.0.0.1/sniper", "postgresql://b@127.0.0.1/replay", False),
        ("postgresql://a@127.0.0.1/sniper", "postgresql://a@127.0.0.1:5433/sniper", False),
        ("postgresql://a@127.0.0.1/sniper", "postgresql://a@127.0.0.2/sniper", False),
        ("postgresql://a@127.0.0.1/", "postgresql://127.0.0.1/a", True),
        ("postgresql:///sniper?host=/run/one", "postgresql:///sniper?host=/run/two", False),
        ("amqp://a@127.0.0.1", "amqp://b:c@localhost:5672/", True),
        ("amqp://a@127.0.0.1/%2F", "amqp://a@127.0.0.1/", True),
        ("amqp://a@127.0.0.1/", "amqp://a@127.0.0.1/replay", False),
        ("amqp://a@127.0.0.1:1/", "amqp://a@127.0.0.1:port/", False),
    ],
)
def test_two_urls_of_one_place(one: str, other: str, same: bool) -> None:
    assert is_same_server(one, other) is same
    assert is_same_server(other, one) is same
