"""What exchangeInfo says of orders on a symbol, in the words of our events."""

from pydantic import ValidationError

from shared.events import TradingRules
from shared.mexc.symbols import SymbolInfo


def rules_of(info: SymbolInfo) -> TradingRules | None:
    """Return the rules that *info* tells, without what an event has no place for.

    None of an entry that was too odd to be read: it does not say that orders are refused.
    """
    if not info.status:
        return None
    told = {name: getattr(info, name) for name in TradingRules.model_fields}
    try:
        return TradingRules.model_validate(told)
    except ValidationError as error:
        unusable = {each["loc"][0] for each in error.errors()}
        return TradingRules.model_validate({name: told[name] for name in told.keys() - unusable})
