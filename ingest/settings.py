"""Settings of ingest."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode, SettingsConfigDict

from shared.settings import PREFIX, Settings, listed


def _regular_expression(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        # The module's own words may repeat a part of the value, such as the name of a group.
        where = "" if error.pos is None else f": it fails at character {error.pos + 1}"
        raise ValueError(f"is no regular expression{where}") from None
    return value


class IngestSettings(Settings):
    """Even near an opening these intervals leave two fifths of MEXC's rate limit to the executor.

    MEXC counts by address, including requests without a key.
    """

    model_config = SettingsConfigDict(env_prefix=f"{PREFIX}INGEST_")

    default_symbols_seconds: float = Field(default=0.25, ge=0.1, le=60)
    default_symbols_opening_seconds: float = Field(default=0.1, ge=0.05, le=60)
    exchange_info_seconds: float = Field(default=10.0, ge=2, le=600)
    exchange_info_opening_seconds: float = Field(default=4.0, ge=2, le=600)
    opening_before_seconds: float = Field(default=60.0, ge=0, le=3600)
    opening_after_seconds: float = Field(default=300.0, ge=0, le=3600)
    """Intervals are shorter from so long before a known opening until so long after it or the first trade."""
    calendar_seconds: float = Field(default=60.0, ge=1, le=86_400)
    announcements_seconds: float = Field(default=300.0, ge=1, le=86_400)
    """Announcements are logged only."""
    weight_per_10_seconds: int = Field(default=180, ge=25, le=100_000)
    requests_per_second: int = Field(default=12, ge=1, le=10_000)
    """Limits of all REST requests, whatever the intervals."""
    websocket_ping_seconds: float = Field(default=10.0, ge=1, le=25)
    websocket_rotate_seconds: float = Field(default=82_800, ge=60, le=86_000)
    """A connection is replaced after about this time, before MEXC closes it at 24 hours."""
    trade_connections_max: int = Field(default=4, ge=1, le=20)
    """Connections for symbols about to open, fifteen on each; the nearest openings come first."""
    stall_seconds: float = Field(default=15.0, ge=3, le=300)
    """Without data for this long, a websocket counts as dead and a source as blind."""
    gone_reads: int = Field(default=5, ge=2, le=1000)
    gone_seconds: float = Field(default=600, ge=0, le=604_800)
    """A symbol missing from so many consecutive snapshots, and for this long, is gone; its return is a new listing."""
    quiet_hours: float = Field(default=72, gt=0, le=8760)
    """Without a new listing for this long, detection is probably broken."""
    clock_skew_seconds_max: float = Field(default=2.0, gt=0, le=3600, allow_inf_nan=False)
    """A machine's clock further from the exchange's degrades health; sightings are stamped by the exchange's."""
    quote_assets: Annotated[frozenset[str], NoDecode, BeforeValidator(listed)] = frozenset(
        {"USDT", "USDC", "USD1", "USDE", "USDF"}
    )
    name_pattern: Annotated[str, AfterValidator(_regular_expression)] = r"[^_a-z\s]{3,20}"
    """Symbols of another quote asset, or whose name does not match in full, are published and stored, never traded; nor
    are lookalike names: of several scripts, or of letters that look like Latin ones."""
    pending_max: int = Field(default=1000, ge=1, le=100_000)
    """Sightings held while the broker is away; beyond it the sources wait."""
    canary_seconds: float = Field(default=60.0, ge=0, le=3600)
    """Interval of canaries, synthetic events that show whether listings would come through; 0 sends none."""
    drain_seconds: float = Field(default=5.0, gt=0, le=15)
