"""Settings of the simulated exchange: SNIPER_SIMULATOR_* or the command line."""

from decimal import Decimal
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from simulator.symbols import FeeAsset

RetryAfter = Literal["seconds", "date", "none"]


class SimulatorSettings(BaseSettings):
    """Defaults are MEXC's documented behaviour; where MEXC documents none, the behaviour reported most often."""

    model_config = SettingsConfigDict(
        env_prefix="SNIPER_SIMULATOR_",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    host: str = "127.0.0.1"
    port: int = Field(0, ge=0, le=65_535, description="0 takes a free one")

    clock_ahead_seconds: float = Field(
        0, ge=-86_400, le=86_400, description="how far the exchange's clock is ahead of this machine's"
    )

    symbols: int = Field(2_000, ge=3, le=50_000, description="how many are listed at the start")
    seed: int = Field(1, description="the same seed makes the same symbols and prices")
    list_every_seconds: float = Field(0, ge=0, description="a fresh coin with a scenario this often; 0 for never")
    scenario_speed: float = Field(1, gt=0, le=100, description="how many times faster scenarios pass")
    list_after_seconds: float = Field(5, ge=0, description="when the first of them comes")
    state_file: Path | None = Field(
        None, description="where symbols, orders and balances are kept for the next run; none: nowhere"
    )
    depth_quote: Decimal = Field(Decimal(50_000), gt=0, description="value of a newcomer's book, per side")

    api_key: SecretStr = SecretStr("sim-key")
    api_secret: SecretStr = SecretStr("sim-secret")
    key_may_trade: bool = Field(True, description="canTrade in `account`; it is not enforced")
    key_may_withdraw: bool = Field(False, description="canWithdraw in `account`")
    funds_usdt: Decimal = Field(Decimal(10_000), ge=0)
    taker_fee: Decimal = Field(Decimal("0.0005"), ge=0, lt=1)
    fee_asset: FeeAsset = Field("quote", description="the asset a buyer pays the fee in; a seller pays in quote or MX")
    remembers_seconds: float = Field(604_800, gt=0, description="older orders are found no more, save the open ones")
    trades_order: Literal["newest", "oldest"] = Field("newest", description="which end of them myTrades holds")
    settle_seconds: float = Field(0, ge=0, le=3_600, description="until coins that were bought can be sold")

    limits: bool = Field(True, description="whether rate limits are enforced; they are always counted")
    weight_per_10_seconds: int = Field(300, gt=0)
    requests_per_second: int = Field(20, gt=0)
    orders_per_second: int = Field(12, gt=0)
    ban_after_refusals: int = Field(10, gt=0, description="429s within a minute before 418")
    ban_seconds: float = Field(120, gt=0)
    retry_after: RetryAfter = Field("seconds", description="how 429 and 418 say it; none: not at all")

    preopen_code: int = Field(30001, description="the answer to orders before a symbol opens")
    preopen_api_allowed: bool = Field(True, description="isSpotTradingAllowed before a symbol opens")
    guard_seconds: float = Field(
        0, ge=0, description="how long after opening MARKET is cancelled and prices are capped"
    )
    guard_cap_factor: Decimal = Field(Decimal(2), gt=0, description="that cap, as a multiple of the opening price")
    price_protection: Decimal = Field(Decimal("0.2"), ge=0, lt=1, description="30087 beyond price x (1 ± this); 0: off")
    excess_decimals: Literal["reject", "truncate"] = "reject"

    ticker_interval_seconds: float = Field(3, ge=0.01)
    ticker_full_every: int = Field(10, gt=0, description="every n-th mini-tickers push holds all symbols")
    ws_subscriptions_max: int = Field(30, gt=0)
    ws_unsubscribed_seconds: float = Field(30, gt=0, description="closed after this long without a subscription")
    ws_idle_seconds: float = Field(60, gt=0, description="closed after this long without a frame either way")
    ws_lifetime_seconds: float = Field(86_400, gt=0)
    ws_per_listen_key_max: int = Field(5, gt=0, description="connections of the private stream by one listenKey")
    listen_key_seconds: float = Field(3_600, gt=0, description="a listenKey ends unless it is kept alive within this")
    listen_keys_max: int = Field(60, gt=0, description="valid listenKeys at a time")
