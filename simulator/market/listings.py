"""Requests to list a symbol or change a listed one, and the instruments they make."""

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from simulator.market.market_terms import Amount, MarketTerms, with_terms
from simulator.settings import SimulatorSettings
from simulator.symbols import Course, Instrument, Scenario, course_of, newcomer
from simulator.symbols.draws import draws

_YEAR_SECONDS = 366 * 86_400
Seconds = Annotated[float, Field(ge=0, le=_YEAR_SECONDS, allow_inf_nan=False)]
Swing = Annotated[float, Field(ge=0, le=0.5, allow_inf_nan=False)]
PACE_MS = 500
"""Interval of price moves of a coin with a scenario, at speed 1."""


class ListingRequest(MarketTerms):
    """Fields not given follow the settings."""

    symbol: Annotated[str, Field(pattern=r"^[^\Wa-z]{1,26}(USDT|USDC|USDE)$")]
    opens_in: Seconds = Field(0, description="seconds until it trades; firstOpenTime says so")
    opens_late_by: Seconds = Field(0, description="seconds after firstOpenTime it opens in truth")
    listed_in: Seconds = Field(0, description="seconds until exchangeInfo shows it; the calendar does at once")
    scenario: Scenario | None = Field(None, description="its first minutes; null: the price wanders by swing")
    scenario_seed: int | None = Field(None, description="what draws the scenario's figures; null: from its name")
    price: Amount | None = None
    swing: Swing | None = Field(None, description="how far the price moves from it by itself, as a ratio")
    depth_quote: Amount | None = None
    api: bool = True
    guard_seconds: Seconds | None = None
    guard_cap: Amount | None = None
    preopen_code: int | None = None

    @field_validator("scenario", mode="before")
    @classmethod
    def known_scenario(cls, name: object) -> object:
        if name is not None and name not in list(Scenario):
            raise ValueError(f"unknown; there are {', '.join(Scenario)}")
        return name

    @field_validator("swing")
    @classmethod
    def not_beside_scenario(cls, swing: float | None, info: ValidationInfo) -> float | None:
        if swing is not None and info.data.get("scenario") is not None:
            raise ValueError("not beside a scenario, which moves the price")
        return swing


class SymbolChange(MarketTerms):
    """Fields not given keep their values. Setting price or swing ends the scenario."""

    status: Literal["trading", "suspended"] | None = None
    opens_in: Seconds | None = None
    opens_quietly_in: Seconds | None = Field(None, description="the same, while firstOpenTime stays what it was")
    price: Amount | None = None
    swing: Swing | None = None
    depth_quote: Amount | None = None
    api: bool | None = None
    guard_seconds: Seconds | None = None
    guard_cap: Amount | None = None
    preopen_code: int | None = None


def make_instrument(request: ListingRequest, settings: SimulatorSettings, now_ms: int) -> Instrument:
    course = _course(request, settings)
    opens_in, late_by = request.opens_in, request.opens_late_by
    if course is not None:
        given = request.model_fields_set
        opens_in = opens_in if "opens_in" in given else course.opens_in
        late_by = late_by if "opens_late_by" in given else course.opens_late_by
    listed_ms = now_ms + _ms(request.listed_in)
    opens_ms = max(listed_ms, now_ms + _ms(opens_in))
    drawn = newcomer(request.symbol, listed_ms, opens_ms, request.price)
    guard_seconds = settings.guard_seconds if request.guard_seconds is None else request.guard_seconds
    instrument = replace(
        drawn,
        opens_at_ms=opens_ms + _ms(late_by),
        depth_quote=request.depth_quote or settings.depth_quote,
        api_allowed=request.api,
        guard_ms=_ms(guard_seconds),
        guard_cap=request.guard_cap or drawn.price * settings.guard_cap_factor,
        preopen_code=settings.preopen_code if request.preopen_code is None else request.preopen_code,
        preopen_api_allowed=settings.preopen_api_allowed,
        swing=drawn.swing if request.swing is None else request.swing,
    )
    return with_terms(_with_course(instrument, course, request, settings), request)


def _course(request: ListingRequest, settings: SimulatorSettings) -> Course | None:
    if request.scenario is None:
        return None
    named = int(draws(settings.seed, request.symbol)[0] * 2**32)
    seed = named if request.scenario_seed is None else request.scenario_seed
    return course_of(request.scenario, seed).faster(settings.scenario_speed)


def _with_course(
    instrument: Instrument, course: Course | None, request: ListingRequest, settings: SimulatorSettings
) -> Instrument:
    if course is None:
        return instrument
    return replace(
        instrument,
        scenario=request.scenario,
        course=course,
        pace_ms=max(1, round(PACE_MS / settings.scenario_speed)),
        depth_quote=request.depth_quote or instrument.depth_quote * course.depth,
    )


def apply_change(instrument: Instrument, change: SymbolChange, now_ms: int) -> Instrument:
    instrument = with_terms(instrument, change)
    if change.status is not None:
        instrument = replace(instrument, suspended=change.status == "suspended")
    if change.opens_in is not None:
        opens_ms = now_ms + _ms(change.opens_in)
        instrument = replace(instrument, first_open_time_ms=opens_ms, opens_at_ms=opens_ms)
    if change.opens_quietly_in is not None:
        instrument = replace(instrument, opens_at_ms=now_ms + _ms(change.opens_quietly_in))
    return _repriced(_guarded(instrument, change), change)


def _guarded(instrument: Instrument, change: SymbolChange) -> Instrument:
    return replace(
        instrument,
        guard_ms=instrument.guard_ms if change.guard_seconds is None else _ms(change.guard_seconds),
        guard_cap=change.guard_cap or instrument.guard_cap,
        preopen_code=instrument.preopen_code if change.preopen_code is None else change.preopen_code,
    )


def _repriced(instrument: Instrument, change: SymbolChange) -> Instrument:
    if change.price is not None or change.swing is not None:
        instrument = replace(instrument, scenario=None, course=None)
    if change.price is not None:
        instrument = replace(instrument, price=change.price.quantize(instrument.tick) or instrument.tick)
    if change.swing is not None:
        instrument = replace(instrument, swing=change.swing)
    if change.depth_quote is not None:
        instrument = replace(instrument, depth_quote=change.depth_quote)
    if change.api is not None:
        instrument = replace(instrument, api_allowed=change.api)
    return instrument


def _ms(seconds: float) -> int:
    return round(seconds * 1_000)
