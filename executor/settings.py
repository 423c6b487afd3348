"""What the executor can be told: SNIPER_EXECUTOR_*."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode, SettingsConfigDict

from shared.settings import PREFIX, Settings

DollarAsset = Literal["USDT", "USDC", "USD1", "USDE", "USDF"]
"""What the limits, which count dollars, can be compared with."""


def _listed(value: object) -> object:
    return [item.strip() for item in value.split(",")] if isinstance(value, str) else value


class ExecutorSettings(Settings):
    """What to buy, for how much, and how long to wait. The limits themselves are in trade_config."""

    model_config = SettingsConfigDict(env_prefix=f"{PREFIX}EXECUTOR_")

    order_usdt: Decimal | None = Field(default=None, gt=0, max_digits=12, decimal_places=2, allow_inf_nan=False)
    """Spent on one listing, fee included; max_trade_usdt caps it and is the default."""
    listing_age_seconds: float = Field(default=60.0, gt=0, le=3600, allow_inf_nan=False)
    """An older listing is not bought."""
    opening_tolerance_seconds: float = Field(default=1.0, ge=0, le=60, allow_inf_nan=False)
    """A listing that opens sooner than this counts as open."""
    quote_assets: Annotated[frozenset[DollarAsset], NoDecode, BeforeValidator(_listed)] = frozenset({"USDT"})
    """Separated by commas."""
    taker_fee: Decimal = Field(default=Decimal("0.0005"), ge=0, le=Decimal("0.1"), allow_inf_nan=False)
    """As a ratio, taken on top of what a buyer spends."""
    exchange_timeout_seconds: float = Field(default=5.0, gt=0, le=30, allow_inf_nan=False)
