"""The age of the API key, as its owner tells it."""

from datetime import UTC, date, datetime

from prometheus_client import CollectorRegistry

from executor.supervision.api_key_age import show_key_age
from shared.mexc.orders.api_key import KeyTerms

MADE = "sniper_executor_api_key_made_timestamp_seconds"
EXPIRY = "sniper_executor_api_key_expiry_timestamp_seconds"


def test_a_key_expires_ninety_days_after_it_was_made() -> None:
    registry = CollectorRegistry()

    show_key_age(KeyTerms(date(2026, 1, 1)), registry)

    assert registry.get_sample_value(MADE) == datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    assert registry.get_sample_value(EXPIRY) == datetime(2026, 4, 1, tzinfo=UTC).timestamp()


def test_a_key_that_is_bound_to_addresses_does_not_expire() -> None:
    registry = CollectorRegistry()

    show_key_age(KeyTerms(date(2026, 1, 1), ip_bound=True), registry)

    assert registry.get_sample_value(MADE) is not None
    assert registry.get_sample_value(EXPIRY) is None


def test_without_its_date_nothing_is_guessed() -> None:
    registry = CollectorRegistry()

    show_key_age(KeyTerms(), registry)

    assert list(registry.collect()) == []
