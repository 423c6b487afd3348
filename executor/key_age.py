"""How old the API key is and when it ends, which the exchange does not tell: as an operator says."""

from datetime import UTC, datetime, time, timedelta

from prometheus_client import CollectorRegistry, Gauge

from shared.settings import ExchangeSettings


def show_key_age(venue: ExchangeSettings, registry: CollectorRegistry) -> None:
    """Show when the key was made and when it ends; without its date nothing is shown."""
    made_on = venue.mexc_api_key_made_on
    if made_on is None:
        return
    made_at = datetime.combine(made_on, time(), UTC)
    made = Gauge(
        "sniper_executor_api_key_made_timestamp_seconds",
        "When the API key was made, as SNIPER_MEXC_API_KEY_MADE_ON says.",
        registry=registry,
    )
    made.set(made_at.timestamp())
    ends = Gauge(
        "sniper_executor_api_key_expiry_timestamp_seconds",
        "When the API key ends, as SNIPER_MEXC_API_KEY_DAYS says.",
        registry=registry,
    )
    ends.set((made_at + timedelta(days=venue.mexc_api_key_days)).timestamp())
