"""Settings of dedup."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import PREFIX, Settings


class DedupSettings(Settings):
    """How much dedup keeps in memory; the ledger keeps everything."""

    model_config = SettingsConfigDict(env_prefix=f"{PREFIX}DEDUP_")

    remembered_keys_max: int = Field(default=1_000_000, ge=1_000, le=10_000_000)
    """Listings whose duplicates are dropped without asking the database; about 100 bytes each."""
