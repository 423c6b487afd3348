"""Order validation by the rules of its symbol, in the sequence observed on MEXC."""

from dataclasses import dataclass, replace
from decimal import Decimal

from simulator.market import error_responses
from simulator.market.book import Side
from simulator.market.error_responses import RefusedError
from simulator.market.orders import OrderRequest, OrderType
from simulator.market.price import last_price
from simulator.symbols import Instrument, Phase, TradeSide, has_excess_decimals, truncate

_ONLY = {Side.BUY: TradeSide.BUY_ONLY, Side.SELL: TradeSide.SELL_ONLY}


@dataclass(frozen=True, slots=True)
class TradingRules:
    """Rules common to all symbols."""

    taker_fee: Decimal = Decimal("0.0005")
    price_protection: Decimal = Decimal(0)  # 0: off
    truncate_decimals: bool = False

    def protection_of(self, instrument: Instrument) -> Decimal:
        """Return the largest distance of an order from the last price, as a ratio."""
        return self.price_protection if instrument.price_protection is None else instrument.price_protection


def validate_order(
    request: OrderRequest, instrument: Instrument, middle: Decimal, now_ms: int, rules: TradingRules
) -> OrderRequest:
    """Return the request as the exchange understands it; raises RefusedError."""
    _check_state(instrument, request.side, now_ms)
    _check_shape(request)
    request = _fit_decimals(request, instrument, accept_excess=rules.truncate_decimals)
    _check_volume(request, instrument, middle)
    if request.price is not None:
        _check_price(request, instrument, now_ms, rules)
    return request


def _check_state(instrument: Instrument, side: Side, now_ms: int) -> None:
    match instrument.phase(now_ms):
        case Phase.ANNOUNCED:
            raise RefusedError(error_responses.SYMBOL_INVALID)
        case Phase.SUSPENDED:
            raise RefusedError(error_responses.TRADING_SUSPENDED)
        case Phase.PREOPEN:
            raise RefusedError(error_responses.preopen(instrument.preopen_code))
    if not instrument.api_allowed:
        raise RefusedError(error_responses.SYMBOL_NOT_API)
    if instrument.trade_side not in {TradeSide.ALL, _ONLY[side]}:
        raise RefusedError(error_responses.DIRECTION_NOT_ALLOWED)


def _check_shape(request: OrderRequest) -> None:
    if request.type is OrderType.MARKET:
        # A quantity and a quote quantity at once contradict each other.
        if (request.quantity is None) == (request.quote_quantity is None):
            raise RefusedError(error_responses.COMBINATION_INVALID)
    elif request.quantity is None:
        raise RefusedError(error_responses.missing("quantity"))
    elif request.price is None:
        raise RefusedError(error_responses.missing("price"))
    for name, number in (
        ("quantity", request.quantity),
        ("quoteOrderQty", request.quote_quantity),
        ("price", request.price),
    ):
        if number is not None and not (number.is_finite() and number > 0):
            raise RefusedError(error_responses.illegal(name))


def _fit_decimals(request: OrderRequest, instrument: Instrument, *, accept_excess: bool) -> OrderRequest:
    quantity, price = request.quantity, request.price
    if not accept_excess:
        if quantity is not None and has_excess_decimals(quantity, instrument.quantity_decimals):
            raise RefusedError(error_responses.illegal("quantity"))
        if price is not None and has_excess_decimals(price, instrument.price_decimals):
            raise RefusedError(error_responses.illegal("price"))
        return request
    return replace(
        request,
        quantity=None if quantity is None else truncate(quantity, instrument.quantity_decimals),
        price=None if price is None else truncate(price, instrument.price_decimals),
    )


def _check_volume(request: OrderRequest, instrument: Instrument, middle: Decimal) -> None:
    price = request.price if request.price is not None else middle
    notional = request.quote_quantity if request.quantity is None else request.quantity * price
    if notional is None or notional < instrument.notional_min:
        least = error_responses.volume_too_small
        raise RefusedError(least(instrument.min_words, instrument.notional_min, instrument.quote))
    if notional > instrument.notional_max:
        most = error_responses.volume_too_large
        raise RefusedError(most(instrument.max_words, instrument.notional_max, instrument.quote))


def _check_price(request: OrderRequest, instrument: Instrument, now_ms: int, rules: TradingRules) -> None:
    price = request.price
    assert price is not None
    is_buy = request.side is Side.BUY
    cap = instrument.guard_cap
    if is_buy and cap is not None and price > cap and instrument.phase(now_ms) is Phase.GUARDED:
        raise RefusedError(error_responses.price_above_cap(instrument.cap_words, cap, instrument.quote))
    last = last_price(instrument, now_ms)
    reach = last * rules.protection_of(instrument)
    if reach and (price > last + reach if is_buy else price < last - reach):
        raise RefusedError(error_responses.PRICE_OUT_OF_RANGE)
