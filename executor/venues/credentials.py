"""The API keys, when there are any."""

import re
from dataclasses import dataclass, field
from typing import Final

from pydantic import SecretStr

from shared.errors import SettingsError
from shared.settings import ExchangeSettings

_PRINTABLE: Final = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Credentials:
    api_key: str = field(repr=False)
    api_secret: str = field(repr=False)


def credentials(exchange: ExchangeSettings) -> Credentials | None:
    """Return the key and its secret, None without either; raise SettingsError naming the missing or malformed one."""
    key, secret = exchange.mexc_api_key, exchange.mexc_api_secret
    if key is None and secret is None:
        return None
    return Credentials(_half("API_KEY", key, "API_SECRET"), _half("API_SECRET", secret, "API_KEY"))


def _half(name: str, value: SecretStr | None, other: str) -> str:
    if value is None:
        raise SettingsError(f"SNIPER_MEXC_{name}: is missing, while SNIPER_MEXC_{other} is set")
    text = value.get_secret_value()
    if not _PRINTABLE.fullmatch(text):
        raise SettingsError(f"SNIPER_MEXC_{name}: must be printable ASCII characters without spaces")
    return text
