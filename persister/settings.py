"""Settings of the persister."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import PREFIX, Settings


class PersisterSettings(Settings):
    """How many rows share a commit, and how long the first of them waits for the others."""

    model_config = SettingsConfigDict(env_prefix=f"{PREFIX}PERSISTER_")

    batch_rows_max: int = Field(default=200, ge=1, le=200)
    """No more than a queue hands out at once, or no batch would ever be full."""
    window_seconds: float = Field(default=0.05, ge=0, le=5)
