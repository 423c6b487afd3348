"""Executor settings: SNIPER_EXECUTOR_*. The limits that change while it runs are in trade_config."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode, SettingsConfigDict

from shared.control import exit_policy
from shared.settings import PREFIX, Settings, listed

DollarAsset = Literal["USDT", "USDC", "USD1", "USDE", "USDF"]
"""Quote assets that count as dollars, as the limits do."""


Dollars = Annotated[Decimal, Field(gt=0, max_digits=12, decimal_places=2, allow_inf_nan=False)]
Percent = Annotated[Decimal, Field(gt=0, le=1000, allow_inf_nan=False)]
Share = Annotated[Decimal, Field(gt=0, lt=100, allow_inf_nan=False)]
"""In per cent of something that cannot be lost more than once."""


class _ExecutorSettings(Settings):
    model_config = SettingsConfigDict(env_prefix=f"{PREFIX}EXECUTOR_")


class EntrySettings(_ExecutorSettings):
    """Listings to buy, and the kind of order."""

    order_usdt: Dollars | None = None
    """Spent on one listing where the price holds, fee included; it may cost entry_slippage_pct more, and never more
    than max_trade_usdt, which is the default: then it is less by what entry_slippage_pct may add, so that 50 spend
    about 47.60 where the price holds."""
    entry: Literal["capped", "market"] = "capped"
    """``capped``: an immediate-or-cancel order that pays at most the reference price and entry_slippage_pct.
    ``market``: spends its amount at any price, and is cancelled by MEXC in a symbol's first minute."""
    entry_attempts: int = Field(default=3, ge=1, le=10)
    """The most attempts of a capped order that is proven to have ended unfilled each time."""
    entry_attempts_seconds: float = Field(default=5.0, gt=0, le=60, allow_inf_nan=False)
    """The time after the answer to the first attempt within which a further one may begin."""
    quote_assets: Annotated[frozenset[DollarAsset], NoDecode, BeforeValidator(listed)] = frozenset({"USDT"})
    """Separated by commas."""
    taker_fee: Decimal = Field(default=Decimal("0.0005"), ge=0, le=Decimal("0.1"), allow_inf_nan=False)
    """As a ratio, taken on top of a buyer's cost. Where exchangeInfo names a higher one, or more was charged, that
    counts."""
    listing_age_seconds: float = Field(default=60.0, gt=0, le=3600, allow_inf_nan=False)
    """An older listing is not bought; one that waits for its opening ages from then on."""
    opening_unknown: Literal["ask", "buy", "insist"] = "ask"
    """For a listing that a ticker showed before its opening was known, which may be an old coin that trades again:
    ``ask`` exchangeInfo, for opening_ask_seconds at most, and buy without an answer by then; a coin that opened longer
    ago than listing_age_seconds is not bought. ``buy`` at once. ``insist`` on an answer: without one nothing is
    bought."""
    opening_ask_seconds: float = Field(default=0.15, gt=0, le=5, allow_inf_nan=False)
    """The longest wait of an order for the answer that opening_unknown asks for."""
    trade_relist: bool = False
    """Buy symbols that were listed before, were gone, and are back."""
    run_up_pct_max: Percent | None = None
    """Refuse a purchase when the price has risen further above that of the first trade."""
    spread_pct_max: Percent | None = None
    """Refuse a purchase when best bid and best ask are further apart."""
    depth_usdt_min: Dollars | None = None
    """Refuse a purchase when less than this is offered up to its highest price."""
    rules_age_seconds: float = Field(default=300.0, ge=1, le=24 * 3600, allow_inf_nan=False)
    """Older rules of a symbol (scale, least amount, price band) are read again before an order, and after a refusal."""

    @property
    def is_gated(self) -> bool:
        """A market filter is set, so that no purchase is sent without a look at its market."""
        return (self.run_up_pct_max, self.spread_pct_max, self.depth_usdt_min) != (None, None, None)


class TimingSettings(_ExecutorSettings):
    """Waits, intervals and rate limits."""

    opening_tolerance_seconds: float = Field(default=1.0, ge=0, le=60, allow_inf_nan=False)
    """A listing that opens sooner than this counts as open."""
    opening_horizon_hours: float = Field(default=168.0, gt=0, le=24 * 90, allow_inf_nan=False)
    """A listing that opens later than this is not waited for; an unknown opening is waited for as long."""
    retry_seconds: float = Field(default=60.0, ge=0, le=600, allow_inf_nan=False)
    """The time to retry an order while the exchange answers that the symbol is not open yet."""
    retry_every_seconds: float = Field(default=0.25, ge=0.05, le=10, allow_inf_nan=False)
    """Between those retries."""
    orders_per_second: int = Field(default=12, ge=1, le=100)
    """Order requests of all kinds together; MEXC takes 12."""
    weight_per_10_seconds: int = Field(default=120, ge=60, le=100_000)
    """Weight of requests without a key; MEXC allows 300 per address, of which ingest takes 180."""
    requests_per_second: int = Field(default=8, ge=4, le=10_000)
    """Requests without a key; MEXC allows 20 per address, of which ingest takes 12."""
    key_weight_per_10_seconds: int = Field(default=280, ge=60, le=100_000)
    """Weight of requests with the key: look-ups, trades and balances, and the orders; MEXC allows 300."""
    key_requests_per_second: int = Field(default=20, ge=4, le=10_000)
    """Requests with the key, orders included; MEXC allows 20."""
    recv_window_ms: int = Field(default=2_000, ge=100, le=60_000)
    """The time after its timestamp within which the exchange takes an order."""
    protection_seconds: float = Field(default=10.0, gt=0, le=600, allow_inf_nan=False)
    """How long an order may stay invisible after the last time at which it could have arrived."""
    absent_reads: int = Field(default=5, ge=2, le=100)
    """The look-ups in a row after that which must not find it."""
    exchange_timeout_seconds: float = Field(default=5.0, gt=0, le=30, allow_inf_nan=False)
    """For an answer of the exchange; the wait for the rate limits does not count."""
    sale_seconds: float = Field(default=1.5, ge=0.1, le=30, allow_inf_nan=False)
    """The time to send a sale; a new one follows. The shorter, the sooner a crash in the middle is settled."""
    sale_answer_seconds: float = Field(default=2.0, ge=0.1, le=30, allow_inf_nan=False)
    """For the answer to a sale, exchange_timeout_seconds at most; then it is looked up, and its connection is free."""
    resting_seconds: float = Field(default=1.0, ge=0, le=60, allow_inf_nan=False)
    """How long an order may be open before it is cancelled: we send no resting orders."""
    unknown_status_seconds: float = Field(default=5.0, gt=0, le=600, allow_inf_nan=False)
    """An order with an unknown status is cancelled once its quantities have not changed for as long."""
    trades_seconds: float = Field(default=10.0, gt=0, le=3600, allow_inf_nan=False)
    """An order whose trades do not add up for as long is settled by its own figures, and the highest fee."""
    lookup_alarm_seconds: float = Field(default=120.0, gt=0, le=86_400, allow_inf_nan=False)
    """An order whose outcome is unknown for as long raises an alarm."""
    reconcile_hold_seconds: float = Field(default=10.0, ge=0, le=60, allow_inf_nan=False)
    """Live only: how long listings wait at the start for the orders of an earlier run, before each is decided on."""
    holdings_check_seconds: float = Field(default=60.0, ge=1, le=3600, allow_inf_nan=False)
    """Live only: the interval between comparisons of the balances with the positions."""
    rehearsal_seconds: float = Field(default=1.0, ge=0, le=60)
    """Interval at which the way from a listing to its order is rehearsed, up to an order that is not committed; 0: not.
    The express way is rehearsed by SNIPER_EXPRESS_REHEARSAL_SECONDS instead."""
    holdings_confirm_seconds: float = Field(default=5.0, ge=0.1, le=600, allow_inf_nan=False)
    """Live only: unexplained holdings are compared again after as long before they count: balances may lag."""


class PrivateStreamSettings(_ExecutorSettings):
    """Account's private stream, live only: fills and balances are looked up as soon as it says that they changed."""

    private_stream: bool = True
    """Without it everything is found at its next look-up."""
    private_stream_keep_alive_seconds: float = Field(default=1_800.0, gt=0, le=3_300, allow_inf_nan=False)
    """Between requests that keep the listenKey alive, which ends after an hour without."""


class LimitSettings(_ExecutorSettings):
    """Limits beside those of trade_config, for each mode apart."""

    orders_per_minute: int = Field(default=10, ge=1, le=10_000)
    """Purchases decided on in the last minute."""
    orders_per_day: int = Field(default=200, ge=1, le=1_000_000)
    """Purchases by the calendar day in UTC."""
    daily_spend_usdt: Dollars = Decimal(5000)
    """Spending by the calendar day in UTC, whatever was sold meanwhile."""
    failures_max: int = Field(default=5, ge=1, le=1000)
    """Orders in a row that failed or whose outcome was unknown, which halt trading."""
    pair_refusals_max: int = Field(default=3, ge=1, le=1000)
    """Different symbols in a row that the exchange bars us from, which halt trading; each alone is only refused."""
    listings_per_minute_max: int = Field(default=20, ge=1, le=100_000)
    """More new listings to buy within a minute halt trading: they rather mean an error than so many coins."""
    halt_file: Path | None = None
    """While this file exists, trading is halted; ``halt`` in SNIPER_DATA_DIR unless set."""
    other_holdings: Annotated[frozenset[str], NoDecode, BeforeValidator(listed)] = frozenset({"MX"})
    """Assets the account holds for other reasons, in the place of the default: name MX again where it is held. Any
    other that no position explains halts live purchases."""


class ExitSettings(_ExecutorSettings):
    """Supervision and sale of positions, as MEXC has no stop orders; triggers are in `shared.control.exit_policy`."""

    exit_slippage_pct: Share = Decimal(5)
    """The slippage of a sale below the average price of the bids, and of a take-profit below its trigger."""
    exit_check_seconds: float = Field(default=0.5, ge=0.1, le=60, allow_inf_nan=False)
    """Between looks at a position, or longer, where the rate limits do not allow that for so many symbols."""
    exit_depth_pct: Annotated[Decimal, Field(gt=0, le=100, allow_inf_nan=False)] = Decimal(50)
    """Stops are judged by the price for this share of the position."""
    exit_gap_pct: Share = Decimal(50)
    """Bids this far below the best ask are a hole: even a sale by hand or for the holding time needs confirmation."""
    stop_confirmations: int = Field(default=2, ge=1, le=100)
    """The looks in a row in which a stop must be due before it sells."""
    stop_confirm_seconds: float = Field(default=0.25, ge=0.05, le=60, allow_inf_nan=False)
    """Between the looks that confirm a stop."""
    stop_grace_seconds: float = Field(default=3.0, ge=0, le=3600, allow_inf_nan=False)
    """How long after the first look at a position a narrower spread still raises the reference of its stop."""
    stop_spread_pct_max: Share = Decimal(50)
    """The most that counts as the first spread."""


class DoubtSettings(_ExecutorSettings):
    """Confirmation of dust and losses, back-off of sales, and sales in doubt."""

    exit_retry_seconds: float = Field(default=0.25, ge=0.05, le=60, allow_inf_nan=False)
    """The first back-off of a sale that failed; it doubles up to a second."""
    sale_attempts_alarm: int = Field(default=20, ge=2, le=10_000)
    """After so many sales in a row that sold nothing, health says so, and the wait doubles up to three seconds; of a
    gain up to half a minute."""
    unconfirmed_sale_seconds: float = Field(default=5.0, ge=1, le=600, allow_inf_nan=False)
    """A live sale in doubt for longer does not keep a stop from selling the free balance."""
    dust_looks: int = Field(default=5, ge=2, le=1000)
    """Looks in a row that confirm dust."""
    dust_seconds: float = Field(default=10.0, ge=0, le=3600, allow_inf_nan=False)
    """The time over which a position must be below the exchange's minimum at a fair price to be dust."""
    rare_check_seconds: float = Field(default=60.0, ge=0.1, le=3600, allow_inf_nan=False)
    """Between looks at dust, and at unsellable positions."""
    suspended_check_seconds: float = Field(default=10.0, ge=0.1, le=600, allow_inf_nan=False)
    """Between requests for the status of a suspended symbol; a sale is tested every 0.75 s meanwhile."""
    delisted_seconds: float = Field(default=60.0, ge=0.1, le=86400, allow_inf_nan=False)
    """A symbol that the exchange does not know for longer makes its position unsellable."""
    custody_check_seconds: float = Field(default=20.0, ge=0.1, le=3600, allow_inf_nan=False)
    """Between comparisons of the balances with the live positions."""
    missing_seconds: float = Field(default=60.0, ge=0.1, le=86400, allow_inf_nan=False)
    """Coins that are not in the account for longer, in three comparisons at least, were sold or moved by hand."""


class StreamSettings(_ExecutorSettings):
    """Prices of positions by the exchange's streams."""

    exit_streams: bool = True
    """Follow best prices and trades of each coin that is held, and look at it by REST more rarely while they come."""
    stream_confirmations: int = Field(default=2, ge=1, le=100)
    """The pushes in a row that must show an exit due by its price before it sells at once: best prices, or a trade at
    or through the price of a stop. Fewer are confirmed as looks are, once they stood for stop_confirm_seconds."""
    stream_stale_seconds: float = Field(default=1.0, ge=0.1, le=60, allow_inf_nan=False)
    """A stream without any sign of life for longer is stale: its coins are looked at by REST alone."""
    stream_check_seconds: float = Field(default=5.0, ge=0.5, le=60, allow_inf_nan=False)
    """Between looks by REST at a coin whose stream is fresh."""


class PaperSettings(_ExecutorSettings):
    """Realism of dry runs."""

    paper_footprint_seconds: float = Field(default=60.0, ge=0, le=3600, allow_inf_nan=False)
    """How long the quantity that a paper order took from a level is missing there, unless the book shows a change."""
    paper_state_seconds: float = Field(default=10.0, ge=0, le=300, allow_inf_nan=False)
    """The greatest age of exchangeInfo's state and rules of a symbol for a paper order."""
    market_after_seconds: float = Field(default=60.0, ge=0, le=3600, allow_inf_nan=False)
    """Within this time after the opening a paper MARKET order is cancelled unfilled, as MEXC does with live ones."""


class ExitSeeds(_ExecutorSettings):
    """Initial exits of the configuration, unless a person has set them before; read once, at the first start."""

    take_profit_pct: exit_policy.Percent | None = None
    stop_loss_pct: exit_policy.Share | None = None
    trailing_stop_pct: exit_policy.Share | None = None
    holding_seconds_max: exit_policy.Seconds | None = None
    slippage_pct: exit_policy.Percent | None = None
    """entry_slippage_pct in the configuration."""


class ExecutorSettings(
    EntrySettings,
    TimingSettings,
    PrivateStreamSettings,
    LimitSettings,
    ExitSettings,
    StreamSettings,
    DoubtSettings,
    PaperSettings,
):
    """All settings of the executor."""
