"""Rules of trading, as events carry them."""

from decimal import Decimal

from shared.mexc.symbols import rules_of
from tests.support.data.builders import a_symbol_info


def test_rules_are_what_the_exchange_says() -> None:
    rules = rules_of(a_symbol_info(base_precision=3, trade_side_type=2))

    assert rules is not None
    assert (rules.base_precision, rules.trade_side_type, rules.api_allowed) == (3, 2, True)


def test_what_an_event_has_no_place_for_is_left_out_and_hides_nothing_else() -> None:
    rules = rules_of(a_symbol_info(base_precision=-1, quote_precision=99, quote_amount_min=Decimal("9" * 41)))

    assert rules is not None
    assert (rules.base_precision, rules.quote_precision, rules.quote_amount_min) == (None, None, None)
    assert rules.base_quantity_min == Decimal("0.01")


def test_entry_too_odd_to_be_read_says_nothing_of_orders() -> None:
    assert rules_of(a_symbol_info(status="", api_allowed=False)) is None
