"""Rows of listings, trades, orders and positions."""

from pydantic import AwareDatetime, JsonValue, computed_field

from api.reading.reason_texts import limits_of, reason_sentence
from api.schemas.base import Amount, Answer
from shared.events import Mode, Side, Source, TradeStatus


class ListingRow(Answer):
    """One row of listings."""

    id: int
    symbol: str
    base_asset: str | None
    quote_asset: str | None
    source: Source
    listed_at: AwareDatetime
    opens_at: AwareDatetime | None
    observed_at: AwareDatetime | None
    late: bool
    tradable: bool
    not_tradable_reason: str
    listing_key: str | None
    created_at: AwareDatetime


class AlsoSeen(Answer):
    """The sighting of a listing by another source."""

    listing_key: str
    source: Source
    lag_ms: int
    """After the sighting that became the listing; negative if it was earlier and reported later."""


class TradeRow(Answer):
    """One row of trades."""

    id: int
    symbol: str
    side: Side
    quote_qty: Amount
    base_qty: Amount | None
    latency_ms: int
    """0 where no answer was timed."""
    ack_latency_ms: int | None
    """From the decision to the exchange's answer; None where no answer was timed."""
    mode: Mode
    status: TradeStatus
    error_reason: str | None
    exchange_order_id: str | None
    created_at: AwareDatetime
    listing_key: str | None
    client_order_id: str | None
    listed_at: AwareDatetime | None
    config: dict[str, JsonValue] | None
    """The limits that applied."""
    stages: dict[str, JsonValue] | None
    """Times of the listing's stages up to this trade."""
    average_price: Amount | None
    fee: Amount | None
    fee_asset: str | None
    fees: dict[str, JsonValue] | None
    """All fees by asset; fee is the largest by value."""
    exit_reason: str | None
    """Reason of a sale."""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def words(self) -> str | None:
        """`error_reason` in words; null if there is none."""
        return reason_sentence(self.error_reason)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def bound_by(self) -> list[str]:
        """The settings that limited it: their values are in `config`, or are limits of the executor."""
        return limits_of(self.error_reason)


class OrderRow(Answer):
    """One row of orders: the executor's journal."""

    id: int
    listing_key: str
    mode: Mode
    side: Side
    sequence: int
    symbol: str
    client_order_id: str
    state: str
    quote_qty: Amount
    """Reserved in USDT, fee included."""
    base_qty: Amount | None
    """To be sold."""
    decided_at: AwareDatetime
    fire_at: AwareDatetime | None
    """The opening an armed order waits for; None if unknown yet."""
    attempts: int
    misses: int
    """Consecutive look-ups that did not find it."""
    exchange_order_id: str | None
    executed_qty: Amount | None
    cost: Amount | None
    fee: Amount | None
    fee_asset: str | None
    fees: dict[str, JsonValue] | None
    """All fees by asset; fee is the largest by value."""
    exit_reason: str | None
    error_reason: str | None
    attention: str | None
    """Why an operator must look at it."""
    created_at: AwareDatetime
    updated_at: AwareDatetime


class PositionRow(Answer):
    """One row of positions."""

    id: int
    listing_key: str
    mode: Mode
    symbol: str
    base_asset: str
    quote_asset: str
    state: str
    note: str
    """Reason of the state, if an operator should know."""
    base_qty: Amount
    """Held now, net of fees."""
    bought_qty: Amount | None
    """Bought in all, net of fees; null if unknown. Steps of a ladder are shares of it."""
    cost_usdt: Amount
    """Cost of the held part."""
    average_price: Amount
    peak_price: Amount
    """The highest price since the purchase at which the whole position could have been sold."""
    stop_reference: Amount | None
    """Reference price of its stop-loss; null until the first check."""
    received_usdt: Amount
    """From sales so far."""
    sales: int
    close_requested_at: AwareDatetime | None
    """Time of an operator's request to sell it."""
    exits: dict[str, JsonValue] | None
    """Its own exits, which override the configured ones; null if it never had any."""
    paid: Amount | None
    """For the whole purchase, fees in the quote asset included; null if unknown."""
    result_usdt: Amount | None
    """Of one sold entirely or written off: proceeds less cost, fees included."""
    result_pct: Amount | None
    fees_unknown: bool | None
    """Whether a fee in another asset is not counted, as that asset's price was unknown."""
    opened_at: AwareDatetime
    closed_at: AwareDatetime | None
    updated_at: AwareDatetime
