"""What the executor can be told: SNIPER_EXECUTOR_*. The limits that change while it runs are in trade_config."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode, SettingsConfigDict

from shared.settings import PREFIX, Settings

DollarAsset = Literal["USDT", "USDC", "USD1", "USDE", "USDF"]
"""What the limits, which count dollars, can be compared with."""


def _listed(value: object) -> object:
    return [item.strip() for item in value.split(",") if item.strip()] if isinstance(value, str) else value


Dollars = Annotated[Decimal, Field(gt=0, max_digits=12, decimal_places=2, allow_inf_nan=False)]
Percent = Annotated[Decimal, Field(gt=0, le=1000, allow_inf_nan=False)]
Share = Annotated[Decimal, Field(gt=0, lt=100, allow_inf_nan=False)]
"""In per cent of something that cannot be lost more than once."""
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _ExecutorSettings(Settings):
    model_config = SettingsConfigDict(env_prefix=f"{PREFIX}EXECUTOR_")


class EntrySettings(_ExecutorSettings):
    """What to buy, and with which kind of order."""

    order_usdt: Dollars | None = None
    """Spent on one listing, fee included; max_trade_usdt caps it and is the default."""
    entry: Literal["capped", "market"] = "capped"
    """``capped``: an immediate-or-cancel order that pays at most the reference price and slippage_pct.
    ``market``: spends its amount at any price, and is cancelled by MEXC in a symbol's first minute."""
    slippage_pct: Percent = Decimal(5)
    quote_assets: Annotated[frozenset[DollarAsset], NoDecode, BeforeValidator(_listed)] = frozenset({"USDT"})
    """Separated by commas."""
    taker_fee: Decimal = Field(default=Decimal("0.0005"), ge=0, le=Decimal("0.1"), allow_inf_nan=False)
    """As a ratio, taken on top of what a buyer spends."""
    listing_age_seconds: float = Field(default=60.0, gt=0, le=3600, allow_inf_nan=False)
    """An older listing is not bought; one that waits for its opening ages from then on."""
    trade_relist: bool = False
    """Whether to buy symbols that were listed before, were gone, and are back."""
    run_up_pct_max: Percent | None = None
    """Refuse when the price is further above that of the first trade."""
    spread_pct_max: Percent | None = None
    depth_usdt_min: Dollars | None = None
    """Refuse when less than this is offered up to the price we would pay."""


class TimingSettings(_ExecutorSettings):
    """How long to wait for what."""

    opening_tolerance_seconds: float = Field(default=1.0, ge=0, le=60, allow_inf_nan=False)
    """A listing that opens sooner than this counts as open."""
    opening_horizon_hours: float = Field(default=168.0, gt=0, le=24 * 90, allow_inf_nan=False)
    """A listing that opens later than this is not waited for, nor for longer one of which nobody says when."""
    retry_seconds: float = Field(default=60.0, ge=0, le=600, allow_inf_nan=False)
    """How long to go on asking an exchange that answers that the symbol is not open yet."""
    retry_every_seconds: float = Field(default=0.25, ge=0.05, le=10, allow_inf_nan=False)
    orders_per_second: int = Field(default=12, ge=1, le=100)
    """Order requests of all kinds together; MEXC takes 12."""
    recv_window_ms: int = Field(default=2_000, ge=100, le=60_000)
    """How long after its timestamp the exchange may still take an order."""
    protection_seconds: float = Field(default=10.0, gt=0, le=600, allow_inf_nan=False)
    """After the last moment at which an order could have arrived, how long it may stay invisible."""
    absent_reads: int = Field(default=5, ge=2, le=100)
    """How often in a row, after that, it must be looked for and not found."""
    exchange_timeout_seconds: float = Field(default=5.0, gt=0, le=30, allow_inf_nan=False)


class LimitSettings(_ExecutorSettings):
    """What holds beside the limits of trade_config, for each mode apart."""

    orders_per_minute: int = Field(default=10, ge=1, le=10_000)
    orders_per_day: int = Field(default=200, ge=1, le=1_000_000)
    daily_spend_usdt: Dollars = Decimal(5000)
    """By the calendar day in UTC, whatever was sold meanwhile."""
    failures_max: int = Field(default=5, ge=1, le=1000)
    """So many orders in a row that failed or whose outcome was unknown halt trading."""
    listings_per_minute_max: int = Field(default=20, ge=1, le=100_000)
    """More new listings to buy within a minute halt trading: rather an error of somebody than so many coins."""
    halt_file: Path | None = None
    """While this file exists, trading is halted; ``halt`` in SNIPER_DATA_DIR unless set."""
    other_holdings: Annotated[frozenset[str], NoDecode, BeforeValidator(_listed)] = frozenset({"MX"})
    """Assets the account holds for other reasons; any other that no position explains halts live trading at start."""


class ExitSettings(_ExecutorSettings):
    """When to sell what was bought. MEXC has no stop orders, so they are watched here."""

    take_profit_pct: Percent | None = None
    stop_loss_pct: Share | None = None
    trailing_stop_pct: Share | None = None
    """Below the highest price since the purchase."""
    holding_seconds_max: Seconds | None = None
    exit_slippage_pct: Share = Decimal(5)
    """How far below the best bid a sale may go."""
    exit_check_seconds: float = Field(default=1.0, ge=0.1, le=60, allow_inf_nan=False)


class ExecutorSettings(EntrySettings, TimingSettings, LimitSettings, ExitSettings):
    """All of it."""
