"""Profile of `sniper up` on the simulator: rate of new coins, raised limits, and exits short enough to watch.

Defaults stay, and a variable that is set takes precedence. Exits are set once, in the configuration of the run.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from executor.exits.environment_exits import values_of
from executor.settings import ExecutorSettings, ExitSeeds
from shared.control.config_store import Author
from shared.control.exit_policy import ExitPolicy
from simulator.settings import SimulatorSettings

FIRST_COINS: Final = 7
"""One of each scenario, listed in quick succession in the simulator's order."""
FIRST_EVERY_SECONDS: Final = 8.0
EVERY_SECONDS: Final = 20.0
HOLDING_SECONDS: Final = 60.0

REQUESTS_TIMES: Final = 5
"""Factor on MEXC's rate limits: an hour brings more newcomers than MEXC in a week."""

AUTHOR: Final = Author("first run")
# The exits of a first run, set here alone.
_EXITS_OF_A_FIRST_RUN: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "stop_loss_pct": Decimal(15),
        "take_profit_pct": Decimal(50),
        "trailing_stop_pct": Decimal(10),
        "trailing_activation_pct": None,
    }
)
PROFILE: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "orders_per_day": 100_000,
        "daily_spend_usdt": Decimal(10_000_000),
        "weight_per_10_seconds": 120 * REQUESTS_TIMES,
        "requests_per_second": 8 * REQUESTS_TIMES,
    }
)
SIMULATOR: Final[Mapping[str, int]] = MappingProxyType(
    {"weight_per_10_seconds": 300 * REQUESTS_TIMES, "requests_per_second": 20 * REQUESTS_TIMES}
)
_EXITS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "stop_loss_pct": "stop-loss {:f} %",
        "take_profit_pct": "take-profit {:f} %",
        "trailing_stop_pct": "trailing stop {:f} %",
        "trailing_activation_pct": "once {:f} % in profit",
        "holding_seconds_max": "holding time {:g} s",
    }
)
_LIMITS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "orders_per_day": "{:,} orders a day",
        "daily_spend_usdt": "{:,.0f} USDT a day",
        "weight_per_10_seconds": "a request weight of {:,} in 10 s",
    }
)


def with_profile(settings: ExecutorSettings) -> ExecutorSettings:
    """Return *settings* with the profile applied to unset fields."""
    return settings.model_copy(update={name: PROFILE[name] for name in PROFILE.keys() - settings.model_fields_set})


def exits_at_first(seeds: ExitSeeds, *, speed: float = 1.0) -> Mapping[str, object]:
    """Return the initial exits of the configuration, for scenarios *speed* times as fast."""
    return {**_EXITS_OF_A_FIRST_RUN, "holding_seconds_max": HOLDING_SECONDS / speed, **values_of(seeds)}


def simulator_options(settings: SimulatorSettings) -> Iterator[str]:
    """Yield the profile's options for the simulator that are not set otherwise."""
    for name in SIMULATOR.keys() - settings.model_fields_set:
        yield f"--{name.replace('_', '-')}={SIMULATOR[name]}"


def exits(policy: ExitPolicy) -> str:
    """Return the exits of *policy* in words."""
    return _worded(policy, _EXITS)


def limits(settings: ExecutorSettings) -> str:
    """Return the limits of *settings* that the profile raises, in words."""
    return _worded(settings, _LIMITS)


def _worded(settings: ExecutorSettings | ExitPolicy, words: Mapping[str, str]) -> str:
    values = ((text, getattr(settings, name)) for name, text in words.items())
    return ", ".join(text.format(value) for text, value in values if value is not None)


def waits(speed: float) -> Iterator[float]:
    """Yield the seconds to wait after each coin before the next is listed."""
    for _ in range(FIRST_COINS):
        yield FIRST_EVERY_SECONDS / speed
    while True:
        yield EVERY_SECONDS / speed
