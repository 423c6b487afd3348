"""Judge whether the exchange would take an order, by the state and the rules that it shows of the symbol. Pure.

Each refusal is one of the exchange's own codes, judged by the same table as an answer to a live order.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from typing import Final

from executor.decisions.freshness import age_starts_at
from executor.model import CAREFUL, Executed, Reason, SendResult
from executor.pricing import band_of, is_plausible, rules_violation, with_digits_of, with_usable_maxima
from executor.venues.error_codes import CODES, result_of_code
from shared.events import Listing, Side, TradingRules
from shared.mexc.orders.order_api import OrderRequest, plain
from shared.mexc.payloads import OrderBook
from shared.mexc.symbols import SIDES_CLOSED, SymbolInfo, rules_of

_UNKNOWN, _SUSPENDED, _WRONG_SIDE, _NOT_BY_API, _DISABLED = -1121, 30000, 30001, 10007, 30016
_MARKET_DISABLED, _TOO_SMALL, _TOO_LARGE, _TOO_FINE, _PRICE_OUTSIDE = 30018, 30002, 30003, 700008, 30087
_PAUSED: Final = "2"
AGAIN_SECONDS: Final = 1.0
STATE_AGAIN_SECONDS: Final = 3.0
OPENING_AGAIN_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class MarketSight:
    """The known facts of a symbol at the moment at which an order would arrive."""

    book: OrderBook
    info: SymbolInfo | None = None
    """Of exchangeInfo; None where it could not be learned."""
    is_known: bool = True
    """Whether the exchange knows the symbol at all."""
    rules: TradingRules | None = None
    """The latest that are known."""
    opens_at: datetime | None = None
    """The opening by exchangeInfo, else by the listing."""
    opened_at: datetime | None = None
    """The opening, or when the symbol was first seen."""
    has_traded: bool | None = None
    """None where that was not learned, or need not be."""
    last: Decimal | None = None
    """The price of the last trade, where it was learned."""

    @classmethod
    def of(cls, listing: Listing, book: OrderBook, info: SymbolInfo | None, *, is_known: bool) -> "MarketSight":
        """Return *book* with the facts in *info*, and those in *listing* for what it lacks."""
        opens_at = None if info is None else info.first_open_time
        return cls(
            book=book,
            info=info,
            is_known=is_known,
            rules=(None if info is None else rules_of(info)) or listing.rules,
            opens_at=opens_at or listing.opens_at,
            opened_at=opens_at or age_starts_at(listing),
        )


@dataclass(frozen=True, slots=True)
class Closed:
    """The symbol takes no such order; that holds for so long."""

    verdict: SendResult
    seconds: float


def closed(side: Side, seen: MarketSight, now: datetime) -> Closed | None:
    """Return why the symbol would take no order of *side* now, whatever its form; None where it would."""
    info, rules = seen.info, seen.rules or TradingRules()
    if not seen.is_known:
        return Closed(_refusal(_UNKNOWN), STATE_AGAIN_SECONDS)
    if info is not None and not info.is_online:
        code = _SUSPENDED if info.status == _PAUSED else _DISABLED
        return Closed(_refusal(code, f"status {info.status}"), STATE_AGAIN_SECONDS)
    if rules.api_allowed is False:
        return Closed(_refusal(_NOT_BY_API), STATE_AGAIN_SECONDS)
    if rules.trade_side_type in SIDES_CLOSED[side]:
        return Closed(_refusal(_WRONG_SIDE, f"trade side type {rules.trade_side_type}"), STATE_AGAIN_SECONDS)
    return _unopened(side, seen, now)


def _unopened(side: Side, seen: MarketSight, now: datetime) -> Closed | None:
    """A trade shows that a symbol is open, and so do bids at an opening that is not ahead; offers alone do not."""
    ahead = timedelta(0) if seen.opens_at is None else seen.opens_at - now
    if seen.has_traded:
        return None
    if ahead > timedelta(0):
        seconds = min(ahead.total_seconds(), OPENING_AGAIN_SECONDS)
        return Closed(_refusal(_WRONG_SIDE, f"opens in {ahead.total_seconds():.1f} s"), seconds)
    if side is Side.BUY and not seen.book.bids:
        return Closed(_refusal(_WRONG_SIDE, "nothing was traded yet, and nothing is bid"), AGAIN_SECONDS)
    return None


def would_be_taken(
    request: OrderRequest, seen: MarketSight, now: datetime, *, market_after_seconds: float
) -> SendResult | None:
    """Return the exchange's presumable verdict on *request* on an open symbol; None where it would take it.

    A MARKET order sooner after the opening than *market_after_seconds* is taken, and cancelled unfilled.
    """
    rules = seen.rules or TradingRules()
    if request.type == "MARKET" and seen.info is not None and seen.info.market_orders is False:
        return _refusal(_MARKET_DISABLED)
    if (violated := rules_violation(request, presumed_rules(request.side, seen.book, rules))) is not None:
        code, words = _TOO_FINE, violated.detail
        if violated.reason is Reason.ABOVE_MAXIMUM:
            code, words = _TOO_LARGE, f"{violated.detail} at most"
        elif violated.reason is Reason.BELOW_MINIMUM:
            # In the exchange's words, so that the least amount is read from them as it is from an answer.
            least = rules.quote_amount_min_market if request.price is None else rules.quote_amount_min
            words = "" if least is None else f"The minimum transaction volume cannot be less than:{plain(least)}USDT"
            code = _TOO_SMALL
        return _refusal(code, words)
    if request.price is not None and not band_of(rules, seen.last).allows(request.side, request.price):
        return _refusal(_PRICE_OUTSIDE)
    young = timedelta(seconds=market_after_seconds)
    if request.type == "MARKET" and seen.opened_at is not None and now - seen.opened_at < young:
        return Executed(None)
    return None


def presumed_rules(side: Side, book: OrderBook, rules: TradingRules) -> TradingRules:
    """Return *rules* as the live path believes them for an order of *side*: a sale not beyond what bids contradict."""
    bid = next((level.price for level in book.bids if is_plausible(level.price)), None)
    if side is Side.BUY or bid is None:
        return rules
    with localcontext(CAREFUL):
        return with_usable_maxima(with_digits_of(bid, rules), bid)


def needs_trades(request: OrderRequest, seen: MarketSight, now: datetime) -> bool:
    """Return whether only trades can show that the symbol is open, or what its price protection goes by."""
    if request.side is Side.BUY and seen.opens_at is not None and seen.opens_at > now:
        return bool(seen.book.bids)
    if request.side is Side.BUY and not seen.book.bids:
        return True
    rules = seen.rules or TradingRules()
    return request.price is not None and bool(rules.price_up or rules.price_down)


def _refusal(code: int, detail: str = "") -> SendResult:
    return result_of_code(code, f"{CODES[code].says}: {detail}" if detail else CODES[code].says)
