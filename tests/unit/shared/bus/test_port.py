import pytest

from shared.bus.port import matches


@pytest.mark.parametrize(
    ("pattern", "routing_key", "covered"),
    [
        ("listing.detected", "listing.detected", True),
        ("listing.detected", "listing.rescheduled", False),
        ("listing.*", "listing.detected", True),
        ("listing.*", "listing", False),
        ("listing.*", "listing.detected.late", False),
        ("trade.#", "trade", True),
        ("trade.#", "trade.live.filled", True),
        ("trade.#", "trades.live", False),
        ("#", "anything.at.all", True),
        ("#", "", True),
        ("#.filled", "trade.live.filled", True),
        ("#.filled", "trade.live.failed", False),
        ("*.#.filled", "trade.filled", True),
        ("*.#.filled", "filled", False),
    ],
)
def test_topic_patterns_cover_what_amqp_says_they_cover(pattern: str, routing_key: str, *, covered: bool) -> None:
    assert matches(pattern, routing_key) is covered
