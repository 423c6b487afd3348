"""Where the API listens."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import PREFIX, Settings


class ApiSettings(Settings):
    """Address of the HTTP server; port 0 takes a free one."""

    model_config = SettingsConfigDict(env_prefix=f"{PREFIX}API_")

    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=8000, ge=0, le=65535)
