"""What the executor can be told: SNIPER_EXECUTOR_*. The limits that change while it runs are in trade_config."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode, SettingsConfigDict

from shared.control import exit_policy
from shared.settings import PREFIX, Settings

DollarAsset = Literal["USDT", "USDC", "USD1", "USDE", "USDF"]
"""What the limits, which count dollars, can be compared with."""


def _listed(value: object) -> object:
    return [item.strip() for item in value.split(",") if item.strip()] if isinstance(value, str) else value


Dollars = Annotated[Decimal, Field(gt=0, max_digits=12, decimal_places=2, allow_inf_nan=False)]
Percent = Annotated[Decimal, Field(gt=0, le=1000, allow_inf_nan=False)]
Share = Annotated[Decimal, Field(gt=0, lt=100, allow_inf_nan=False)]
"""In per cent of something that cannot be lost more than once."""


class _ExecutorSettings(Settings):
    model_config = SettingsConfigDict(env_prefix=f"{PREFIX}EXECUTOR_")


class EntrySettings(_ExecutorSettings):
    """What to buy, and with which kind of order."""

    order_usdt: Dollars | None = None
    """Spent on one listing where the price holds, fee included; it may cost entry_slippage_pct more, and never more
    than max_trade_usdt, which is the default: then it is less by what entry_slippage_pct may add."""
    entry: Literal["capped", "market"] = "capped"
    """``capped``: an immediate-or-cancel order that pays at most the reference price and entry_slippage_pct.
    ``market``: spends its amount at any price, and is cancelled by MEXC in a symbol's first minute."""
    entry_attempts: int = Field(default=3, ge=1, le=10)
    """So often at most a capped order is sent that is proven to have ended with nothing filled."""
    entry_attempts_seconds: float = Field(default=5.0, gt=0, le=60, allow_inf_nan=False)
    """How long after the answer to the first attempt a further one may begin."""
    quote_assets: Annotated[frozenset[DollarAsset], NoDecode, BeforeValidator(_listed)] = frozenset({"USDT"})
    """Separated by commas."""
    taker_fee: Decimal = Field(default=Decimal("0.0005"), ge=0, le=Decimal("0.1"), allow_inf_nan=False)
    """As a ratio, taken on top of what a buyer spends. Where exchangeInfo tells a higher one, or more was charged, that
    counts."""
    listing_age_seconds: float = Field(default=60.0, gt=0, le=3600, allow_inf_nan=False)
    """An older listing is not bought; one that waits for its opening ages from then on."""
    opening_unknown: Literal["ask", "buy", "insist"] = "ask"
    """What to do about a listing that a ticker showed before anything told when it opened: it may be an old coin that
    trades again. ``ask`` exchangeInfo, for opening_ask_seconds at most, and buy where it does not say by then; one that
    opened longer ago than listing_age_seconds is not bought. ``buy`` at once. ``insist`` on an answer: without any
    nothing is bought."""
    opening_ask_seconds: float = Field(default=0.15, gt=0, le=5, allow_inf_nan=False)
    """How long an order waits at most for the answer that opening_unknown asks for."""
    trade_relist: bool = False
    """Whether to buy symbols that were listed before, were gone, and are back."""
    run_up_pct_max: Percent | None = None
    """Refuse when the price is further above that of the first trade."""
    spread_pct_max: Percent | None = None
    """Refuse when best bid and best ask are further apart."""
    depth_usdt_min: Dollars | None = None
    """Refuse when less than this is offered up to the price we would pay."""
    rules_age_seconds: float = Field(default=300.0, ge=1, le=24 * 3600, allow_inf_nan=False)
    """Older rules of a symbol (scale, least amount, price band) are read again before an order, and after a refusal."""

    @property
    def is_gated(self) -> bool:
        """Whether no purchase is made without a look at its market."""
        return (self.run_up_pct_max, self.spread_pct_max, self.depth_usdt_min) != (None, None, None)


class TimingSettings(_ExecutorSettings):
    """How long to wait for what."""

    opening_tolerance_seconds: float = Field(default=1.0, ge=0, le=60, allow_inf_nan=False)
    """A listing that opens sooner than this counts as open."""
    opening_horizon_hours: float = Field(default=168.0, gt=0, le=24 * 90, allow_inf_nan=False)
    """A listing that opens later than this is not waited for, nor for longer one of which nobody says when."""
    retry_seconds: float = Field(default=60.0, ge=0, le=600, allow_inf_nan=False)
    """How long to go on asking an exchange that answers that the symbol is not open yet."""
    retry_every_seconds: float = Field(default=0.25, ge=0.05, le=10, allow_inf_nan=False)
    """Between those requests."""
    orders_per_second: int = Field(default=12, ge=1, le=100)
    """Order requests of all kinds together; MEXC takes 12."""
    weight_per_10_seconds: int = Field(default=120, ge=60, le=100_000)
    """Of what the address may ask without a key; MEXC allows 300 together, of which ingest takes 180."""
    requests_per_second: int = Field(default=8, ge=4, le=10_000)
    """Without a key; MEXC allows 20 together, of which ingest takes 12."""
    key_weight_per_10_seconds: int = Field(default=280, ge=60, le=100_000)
    """Of what the API key may ask: look-ups, trades and balances, and the orders; MEXC allows 300."""
    key_requests_per_second: int = Field(default=20, ge=4, le=10_000)
    """With the key, orders included; MEXC allows 20."""
    recv_window_ms: int = Field(default=2_000, ge=100, le=60_000)
    """How long after its timestamp the exchange may still take an order."""
    protection_seconds: float = Field(default=10.0, gt=0, le=600, allow_inf_nan=False)
    """After the last moment at which an order could have arrived, how long it may stay invisible."""
    absent_reads: int = Field(default=5, ge=2, le=100)
    """How often in a row, after that, it must be looked for and not found."""
    exchange_timeout_seconds: float = Field(default=5.0, gt=0, le=30, allow_inf_nan=False)
    """For an answer of the exchange; the wait for the rate limits does not count."""
    sale_seconds: float = Field(default=1.5, ge=0.1, le=30, allow_inf_nan=False)
    """How long a sale may be sent for; a new one follows. The shorter, the sooner a crash in the middle is settled."""
    sale_answer_seconds: float = Field(default=2.0, ge=0.1, le=30, allow_inf_nan=False)
    """For the answer to a sale, exchange_timeout_seconds at most; then it is looked up, and its line is free again."""
    resting_seconds: float = Field(default=1.0, ge=0, le=60, allow_inf_nan=False)
    """How long an order may be seen open before it is cancelled: ours never rest on purpose."""
    unknown_status_seconds: float = Field(default=5.0, gt=0, le=600, allow_inf_nan=False)
    """An order under a status that has no meaning here is cancelled once its quantities stood still for as long."""
    trades_seconds: float = Field(default=10.0, gt=0, le=3600, allow_inf_nan=False)
    """An order whose trades do not add up to it for as long is settled by its own figures, and the highest fee."""
    lookup_alarm_seconds: float = Field(default=120.0, gt=0, le=86_400, allow_inf_nan=False)
    """An order of which it is not known for as long what became of it needs a person."""
    reconcile_hold_seconds: float = Field(default=10.0, ge=0, le=60, allow_inf_nan=False)
    """Live only: for how long a start keeps listings waiting for what an earlier run left; then it refuses them."""
    holdings_check_seconds: float = Field(default=60.0, ge=1, le=3600, allow_inf_nan=False)
    """Live only: how often what the account holds is compared with the positions."""
    holdings_confirm_seconds: float = Field(default=5.0, ge=0.1, le=600, allow_inf_nan=False)
    """Live only: what no position explains is compared once more after as long, before it counts: balances may lag."""


class LimitSettings(_ExecutorSettings):
    """What holds beside the limits of trade_config, for each mode apart."""

    orders_per_minute: int = Field(default=10, ge=1, le=10_000)
    """Purchases decided on in the last minute."""
    orders_per_day: int = Field(default=200, ge=1, le=1_000_000)
    """Purchases by the calendar day in UTC."""
    daily_spend_usdt: Dollars = Decimal(5000)
    """By the calendar day in UTC, whatever was sold meanwhile."""
    failures_max: int = Field(default=5, ge=1, le=1000)
    """So many orders in a row that failed or whose outcome was unknown halt trading."""
    pair_refusals_max: int = Field(default=3, ge=1, le=1000)
    """So many different symbols in a row that the exchange bars us from halt trading; each alone is only refused."""
    listings_per_minute_max: int = Field(default=20, ge=1, le=100_000)
    """More new listings to buy within a minute halt trading: rather an error of somebody than so many coins."""
    halt_file: Path | None = None
    """While this file exists, trading is halted; ``halt`` in SNIPER_DATA_DIR unless set."""
    other_holdings: Annotated[frozenset[str], NoDecode, BeforeValidator(_listed)] = frozenset({"MX"})
    """Assets the account holds for other reasons; any other that no position explains halts live purchases."""


class ExitSettings(_ExecutorSettings):
    """Supervision and sale of positions, as MEXC has no stop orders; triggers are in `shared.control.exit_policy`."""

    exit_slippage_pct: Share = Decimal(5)
    """How far below what the bids pay on average a sale may go, and a take-profit below its trigger."""
    exit_check_seconds: float = Field(default=0.5, ge=0.1, le=60, allow_inf_nan=False)
    """Between looks at a position, or longer, where the rate limits do not allow that for so many symbols."""
    exit_depth_pct: Annotated[Decimal, Field(gt=0, le=100, allow_inf_nan=False)] = Decimal(50)
    """Stops are judged by the price for this share of the position."""
    exit_gap_pct: Share = Decimal(50)
    """Bids this far below the best ask are a hole: even a sale by hand or for the holding time needs confirmation."""
    stop_confirmations: int = Field(default=2, ge=1, le=100)
    """In so many looks in a row a stop must be due before anything is sold."""
    stop_confirm_seconds: float = Field(default=0.25, ge=0.05, le=60, allow_inf_nan=False)
    """Between the looks that confirm a stop."""
    stop_grace_seconds: float = Field(default=3.0, ge=0, le=3600, allow_inf_nan=False)
    """After the first look at a position, how long a narrower spread still raises what its stop is measured from."""
    stop_spread_pct_max: Share = Decimal(50)
    """No more is taken for the first spread."""


class DoubtSettings(_ExecutorSettings):
    """How long to look before a position counts as dust or lost, and how it is sold in doubt."""

    exit_retry_seconds: float = Field(default=0.25, ge=0.05, le=60, allow_inf_nan=False)
    """Before a sale that failed is tried again; it doubles up to a second."""
    sale_attempts_alarm: int = Field(default=20, ge=2, le=10_000)
    """After so many sales in a row that sold nothing, health says so, and the wait doubles up to three seconds; of a
    gain up to half a minute."""
    unconfirmed_sale_seconds: float = Field(default=5.0, ge=1, le=600, allow_inf_nan=False)
    """A live sale in doubt for longer does not keep a stop from selling what the balance shows as free."""
    dust_looks: int = Field(default=5, ge=2, le=1000)
    """Looks in a row that dust takes."""
    dust_seconds: float = Field(default=10.0, ge=0, le=3600, allow_inf_nan=False)
    """In so many looks over so long a position must be below the exchange's minimum at a fair price to be dust."""
    rare_check_seconds: float = Field(default=60.0, ge=0.1, le=3600, allow_inf_nan=False)
    """Between looks at dust, and at what cannot be sold."""
    suspended_check_seconds: float = Field(default=10.0, ge=0.1, le=600, allow_inf_nan=False)
    """Between questions for the status of a suspended symbol; a test of the sale is made every 0.75 s meanwhile."""
    delisted_seconds: float = Field(default=60.0, ge=0.1, le=86400, allow_inf_nan=False)
    """A symbol that the exchange does not know for longer makes its position unsellable."""
    custody_check_seconds: float = Field(default=20.0, ge=0.1, le=3600, allow_inf_nan=False)
    """Between comparisons of the balances with the live positions."""
    missing_seconds: float = Field(default=60.0, ge=0.1, le=86400, allow_inf_nan=False)
    """Coins that are not in the account for longer, in three comparisons at least, were sold or moved by hand."""


class PaperSettings(_ExecutorSettings):
    """How honest a dry run is."""

    paper_footprint_seconds: float = Field(default=60.0, ge=0, le=3600, allow_inf_nan=False)
    """How long what a paper order took from a level is missing there, unless the book shows that it changed."""
    paper_state_seconds: float = Field(default=10.0, ge=0, le=300, allow_inf_nan=False)
    """A paper order goes by no older word of exchangeInfo on the symbol's state and rules."""
    market_after_seconds: float = Field(default=60.0, ge=0, le=3600, allow_inf_nan=False)
    """Sooner after the opening a paper MARKET order is cancelled unfilled, as MEXC does with live ones."""


class ExitSeeds(_ExecutorSettings):
    """What the configuration begins with, where a person has not set it before; read once, at the first start."""

    take_profit_pct: exit_policy.Percent | None = None
    stop_loss_pct: exit_policy.Share | None = None
    trailing_stop_pct: exit_policy.Share | None = None
    holding_seconds_max: exit_policy.Seconds | None = None
    slippage_pct: exit_policy.Percent | None = None
    """entry_slippage_pct in the configuration."""


class ExecutorSettings(EntrySettings, TimingSettings, LimitSettings, ExitSettings, DoubtSettings, PaperSettings):
    """All of it."""
