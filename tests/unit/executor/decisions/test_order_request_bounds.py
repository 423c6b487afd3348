from decimal import Context, Decimal, localcontext

from hypothesis import given
from hypothesis import strategies as st

from executor.decisions.order_corrections import repriced, resized
from executor.model.money import CENT
from executor.pricing.symbol_bounds import decimals_of, with_usable_maxima
from shared.events import TradingRules
from shared.mexc.orders.order_api import OrderRequest
from tests.support.data.order_requests import bought, sold
from tests.support.data.strategies import steady

PRECISIONS = st.none() | st.integers(0, 18)
AMOUNTS = st.decimals(0, 10**6, places=4)
RULE_SETS = st.none() | st.builds(
    TradingRules,
    base_precision=PRECISIONS,
    quote_precision=PRECISIONS,
    base_quantity_min=st.none() | AMOUNTS,
    quote_amount_min=st.none() | st.decimals(0, 10, places=2),
    quote_amount_min_market=st.none() | st.decimals(0, 10, places=2),
    quote_amount_max=st.none() | AMOUNTS,
    quote_amount_max_market=st.none() | AMOUNTS,
)
PRICES = st.decimals(min_value="1E-12", max_value="1E6", places=12).filter(bool) | st.decimals()
SIZES = st.decimals(min_value=0, max_value="99999.99", places=2)


def settled(request: OrderRequest) -> Decimal:
    """What *request* costs at most."""
    with localcontext(Context(prec=200)):
        if request.price is None:
            return request.quote_order_qty or Decimal(0)
        return request.price * (request.quantity or Decimal(0))


def within(request: OrderRequest, rules: TradingRules | None) -> bool:
    known, notional = rules or TradingRules(), settled(request)
    if request.price is None or request.quantity is None:
        least, most = known.quote_amount_min_market, known.quote_amount_max_market
        return (least is None or notional >= least) and (most is None or notional <= most)
    return (
        _is_cut(request.quantity, known.base_precision)
        and _is_cut(request.price, known.quote_precision)
        and (known.base_quantity_min is None or request.quantity >= known.base_quantity_min)
        and (known.quote_amount_min is None or notional >= known.quote_amount_min)
        and (known.quote_amount_max is None or notional <= known.quote_amount_max)
    )


def _is_cut(number: Decimal, decimals: int | None) -> bool:
    with localcontext(Context(prec=200)):
        return decimals is None or number.scaleb(decimals) % 1 == 0


@steady
@given(size=SIZES, reference=PRICES, rules=RULE_SETS, entry=st.sampled_from(["capped", "market"]))
def test_whatever_the_symbol_a_purchase_costs_at_most_its_size_with_the_fee(
    size: Decimal, reference: Decimal, rules: TradingRules | None, entry: str
) -> None:
    request = bought(str(reference), str(size), rules, entry=entry)

    if isinstance(request, OrderRequest):
        assert within(request, rules)
        with localcontext(Context(prec=200)):
            assert settled(request) * Decimal("1.0005") <= size
            assert request.price is None or request.price <= reference * Decimal("1.05")


@steady
@given(size=SIZES, reference=PRICES, rules=RULE_SETS, price_max=PRICES)
def test_whatever_the_exchange_says_a_corrected_price_costs_no_more(
    size: Decimal, reference: Decimal, rules: TradingRules | None, price_max: Decimal
) -> None:
    request = bought(str(reference), str(size), rules)

    if isinstance(request, OrderRequest):
        corrected = repriced(request, price_max, rules)
        if isinstance(corrected, OrderRequest):
            assert within(corrected, rules)
            assert settled(corrected) <= settled(request)
            assert corrected.price is not None
            assert request.price is not None
            assert corrected.price <= price_max
            assert corrected.price < request.price


@steady
@given(
    size=SIZES,
    reference=PRICES,
    least=st.decimals(0, 20, places=3) | st.decimals(),
    entry=st.sampled_from(["capped", "market"]),
)
def test_whatever_the_exchange_says_a_corrected_size_costs_no_more_than_the_order_may(
    size: Decimal, reference: Decimal, least: Decimal, entry: str
) -> None:
    request = bought(str(reference), str(size), None, entry=entry)
    money = size - CENT

    if isinstance(request, OrderRequest):
        corrected = resized(request, least, money)
        if isinstance(corrected, OrderRequest):
            assert least <= settled(corrected) <= money
            assert settled(corrected) > settled(request)
            assert corrected.price == request.price


@steady
@given(base_qty=st.decimals(0, 10**9, places=8) | st.decimals(), best_bid=PRICES, rules=RULE_SETS)
def test_whatever_the_symbol_a_sale_sells_no_more_than_is_held_and_never_below_its_floor(
    base_qty: Decimal, best_bid: Decimal, rules: TradingRules | None
) -> None:
    request = sold(str(best_bid), str(base_qty), rules)

    if isinstance(request, OrderRequest):
        assert request.quantity is not None
        assert request.price is not None
        assert request.quantity <= base_qty
        with localcontext(Context(prec=200)):
            assert best_bid >= request.price >= best_bid * Decimal("0.95")
            known = with_usable_maxima(rules or TradingRules(), best_bid)
        assert within(request, known.model_copy(update={"quote_precision": None}))
        assert _is_cut(request.price, known.quote_precision) or _is_cut(request.price, decimals_of(best_bid))
