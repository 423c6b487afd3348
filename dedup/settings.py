"""Settings of dedup."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import PREFIX, Settings


class DedupSettings(Settings):
    """Memory of dedup (the ledger keeps everything), and batching of duplicates."""

    model_config = SettingsConfigDict(env_prefix=f"{PREFIX}DEDUP_")

    remembered_keys_max: int = Field(default=1_000_000, ge=1_000, le=10_000_000)
    """Listings whose duplicates are dropped without a query; about 100 bytes each."""
    clock_skew_seconds_max: float = Field(default=2.0, gt=0, le=3600, allow_inf_nan=False)
    """Sightings stamped further ahead of this machine's clock degrade health; they become listings all the same."""
    observations_batch_rows_max: int = Field(default=50, ge=1, le=100)
    """At most the prefetch of the queue, or no batch would ever be full."""
    observations_window_seconds: float = Field(default=0.02, ge=0, le=5)
    """Time a duplicate waits for others, to share a commit."""
