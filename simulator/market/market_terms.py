"""Trading terms of a symbol, as set by control requests at its listing or later."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from simulator.market.book import LEVELS
from simulator.market.error_responses import fill_template
from simulator.symbols import FeeAsset, Instrument, TradeSide

Amount = Annotated[Decimal, Field(gt=0, le=Decimal(10) ** 12, allow_inf_nan=False)]
Decimals = Annotated[int, Field(ge=0, le=18)]
Ratio = Annotated[Decimal, Field(ge=0, lt=1, allow_inf_nan=False)]
Moment = Annotated[int, Field(ge=0, description="milliseconds since the epoch")]


def require_template(words: str) -> str:
    """Return *words* if `fill_template` can fill them in."""
    try:
        fill_template(words, Decimal(1), "USDT")
    except (LookupError, ValueError) as error:
        raise ValueError(f"cannot be filled in: {error!r}") from error
    return words


Words = Annotated[str, AfterValidator(require_template)]


class MarketTerms(BaseModel):
    """A term not given stays as it is. Null resets a nullable term to the market or the settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    asks: Annotated[list[tuple[Amount, Amount]], Field(max_length=LEVELS)] | None = None
    bids: Annotated[list[tuple[Amount, Amount]], Field(max_length=LEVELS)] | None = None
    last_price: Amount | None = None
    price_decimals: Decimals = 2
    quantity_decimals: Decimals = 2
    notional_min: Amount = Decimal(1)
    notional_max: Amount = Decimal(2_000_000)
    price_protection: Ratio | None = None
    filters: tuple[Mapping[str, str | int | float | bool | None], ...] | None = None
    trade_side: TradeSide = TradeSide.ALL
    min_words: Words | None = None
    max_words: Words | None = None
    cap_words: Words | None = None
    makers_per_level: Annotated[int, Field(ge=1, le=1_000)] = 1
    trades_per_ms: Annotated[int, Field(ge=0, le=1_000)] = 0
    fee_asset: FeeAsset | None = None
    first_open_time_ms: Moment = 0
    in_lists: bool = True

    @property
    def scripts_book(self) -> bool:
        return not self.model_fields_set.isdisjoint({"asks", "bids"})


def with_terms(instrument: Instrument, terms: MarketTerms) -> Instrument:
    """Return *instrument* with the terms that are given."""
    given: dict[str, Any] = {
        name: getattr(terms, name) for name in MarketTerms.model_fields if name in terms.model_fields_set
    }
    for side, is_reversed in (("asks", False), ("bids", True)):
        if given.get(side) is not None:
            given[side] = tuple(sorted(given[side], reverse=is_reversed))
    return replace(instrument, **given)
