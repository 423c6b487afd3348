"""The age of the API key, as its owner tells it."""

from datetime import UTC, date, datetime

from prometheus_client import CollectorRegistry

from executor.key_age import show_key_age
from shared.settings import ExchangeSettings


def test_a_key_ends_as_many_days_after_it_was_made() -> None:
    registry = CollectorRegistry()

    show_key_age(ExchangeSettings(mexc_api_key_made_on=date(2026, 1, 1), mexc_api_key_days=90), registry)

    made = registry.get_sample_value("sniper_executor_api_key_made_timestamp_seconds")
    ends = registry.get_sample_value("sniper_executor_api_key_expiry_timestamp_seconds")
    assert made == datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    assert ends == datetime(2026, 4, 1, tzinfo=UTC).timestamp()


def test_without_its_date_nothing_is_guessed() -> None:
    registry = CollectorRegistry()

    show_key_age(ExchangeSettings(), registry)

    assert list(registry.collect()) == []
