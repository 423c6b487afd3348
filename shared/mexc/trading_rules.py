"""Trading rules of our events, from exchangeInfo."""

from pydantic import ValidationError

from shared.events import TradingRules
from shared.mexc.symbols import SymbolInfo


def rules_of(info: SymbolInfo) -> TradingRules | None:
    """Return the rules in *info*, without values that do not fit an event.

    None for an unreadable entry: it does not show that orders are refused.
    """
    if not info.status:
        return None
    told = {name: getattr(info, name) for name in TradingRules.model_fields}
    try:
        return TradingRules.model_validate(told)
    except ValidationError as error:
        unusable = {each["loc"][0] for each in error.errors()}
        return TradingRules.model_validate({name: told[name] for name in told.keys() - unusable})
