"""Trading rules of our events, from exchangeInfo."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pydantic import ValidationError

from shared.events import Side, TradingRules
from shared.mexc.symbols import SymbolInfo

SIDES_CLOSED: Final[Mapping[Side, frozenset[int]]] = MappingProxyType(
    {Side.BUY: frozenset({3, 4}), Side.SELL: frozenset({2, 4})}
)
"""Trade side types under which the exchange takes no order of that side: sell only or buy only, and closed."""


def rules_of(info: SymbolInfo) -> TradingRules | None:
    """Return the rules in *info*, without values that do not fit an event.

    None for an unreadable entry: it does not show that orders are refused.
    """
    if not info.status:
        return None
    values = {name: getattr(info, name) for name in TradingRules.model_fields}
    try:
        return TradingRules.model_validate(values)
    except ValidationError as error:
        unusable = {each["loc"][0] for each in error.errors()}
        return TradingRules.model_validate({name: values[name] for name in values.keys() - unusable})
