"""Settings of the persister."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import PREFIX, Settings


class PersisterSettings(Settings):
    """Batching of rows in one commit."""

    model_config = SettingsConfigDict(env_prefix=f"{PREFIX}PERSISTER_")

    batch_rows_max: int = Field(default=200, ge=1, le=200)
    """At most the prefetch of a queue, or no batch would ever be full."""
    window_seconds: float = Field(default=0.05, ge=0, le=5)
