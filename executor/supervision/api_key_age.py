"""The metrics of the API key's age, which the exchange does not tell: as an operator says."""

from datetime import UTC, date, datetime, time

from prometheus_client import CollectorRegistry, Gauge

from shared.mexc.orders.api_key import KeyTerms


def show_key_age(terms: KeyTerms, registry: CollectorRegistry) -> None:
    """Show when the key was made and when it expires, each where it is known."""
    if terms.created_on is not None:
        made = Gauge(
            "sniper_executor_api_key_made_timestamp_seconds",
            "When the API key was made, as SNIPER_MEXC_API_KEY_CREATED says.",
            registry=registry,
        )
        made.set(_seconds(terms.created_on))
    if terms.expires_on is not None:
        expires = Gauge(
            "sniper_executor_api_key_expiry_timestamp_seconds",
            "When the API key expires, 90 days after it was made.",
            registry=registry,
        )
        expires.set(_seconds(terms.expires_on))


def _seconds(day: date) -> float:
    return datetime.combine(day, time(), UTC).timestamp()
