"""How ingest watches."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import PREFIX, Settings


class IngestSettings(Settings):
    """The limits keep the two polls together below MEXC's 300 weight per 10 s and 20 requests per second."""

    model_config = SettingsConfigDict(env_prefix=f"{PREFIX}INGEST_")

    default_symbols_seconds: float = Field(default=0.25, ge=0.1, le=60)
    exchange_info_seconds: float = Field(default=10.0, ge=2, le=600)
    websocket_ping_seconds: float = Field(default=10.0, ge=1, le=25)
    stall_seconds: float = Field(default=15.0, ge=3, le=300)
    """Without data for so long a websocket is taken for dead, and a source for blind."""
    pending_max: int = Field(default=1000, ge=1, le=100_000)
    """Sightings held while the broker is away; beyond it the sources wait."""
    drain_seconds: float = Field(default=5.0, gt=0, le=60)
