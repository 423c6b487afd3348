"""Metrics of the API key's age, as an operator configured it: the exchange does not report it."""

from datetime import UTC, date, datetime, time

from prometheus_client import CollectorRegistry, Gauge

from shared.mexc.orders.api_key import KeyTerms


def show_key_age(terms: KeyTerms, registry: CollectorRegistry) -> None:
    """Show the times at which the key was made and expires, each where it is known."""
    if terms.created_on is not None:
        made = Gauge(
            "sniper_executor_api_key_made_timestamp_seconds",
            "Creation time of the API key, by SNIPER_MEXC_API_KEY_CREATED.",
            registry=registry,
        )
        made.set(_seconds(terms.created_on))
    if terms.expires_on is not None:
        expires = Gauge(
            "sniper_executor_api_key_expiry_timestamp_seconds",
            "Expiry time of the API key, 90 days after its creation.",
            registry=registry,
        )
        expires.set(_seconds(terms.expires_on))


def _seconds(day: date) -> float:
    return datetime.combine(day, time(), UTC).timestamp()
