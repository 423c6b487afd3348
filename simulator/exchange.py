"""The whole exchange in one object: what REST, websocket and control act on."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from simulator.changes import Changes, Kind
from simulator.faults.registry import Faults
from simulator.market.exchange_info import ExchangeInfo
from simulator.market.listings import ListingRequest, listed
from simulator.market.market import Market
from simulator.market.order_validation import Rules
from simulator.market.settlement import Fees
from simulator.market.wallet import Wallet
from simulator.rate_limits import Limits, RateLimiter
from simulator.request_log import Ledger
from simulator.settings import SimulatorSettings
from simulator.state import body_of, remembered, restore
from simulator.state_file import StateFile
from simulator.symbols.catalogue import Catalogue
from simulator.symbols.instrument import Instrument
from simulator.symbols.scenario_order import named, scenario_of
from simulator.symbols.symbol_generator import Universe, fresh_symbols


@dataclass(slots=True)
class Exchange:
    settings: SimulatorSettings
    market: Market
    info: ExchangeInfo
    limiter: RateLimiter
    universe: Universe
    fresh_symbols: Iterator[str]
    changes: Changes
    state: StateFile | None = None
    newcomers: int = 0
    """How many were listed since the start, each with the scenario that was next."""
    faults: Faults = field(default_factory=Faults)
    ledger: Ledger = field(default_factory=Ledger)

    def now_ms(self) -> int:
        """The time the market lives by."""
        return _now_ms(self.settings)

    def server_ms(self) -> int:
        """What the exchange says it is, and holds timestamps against: its own time, unless a fault skews it."""
        return (time.time_ns() + self.ahead_ns()) // 1_000_000

    def ahead_ns(self) -> int:
        """How far that is ahead of the clock of this machine."""
        skew = self.faults.active("clock_skew")
        return _ns(self.settings.clock_ahead_seconds) + (_ns(skew.lasting) if skew else 0)

    def save(self) -> None:
        """Put on the disk what has changed; before that, nobody may be told of it. Raises StateError."""
        if self.state is not None and (keys := self.changes.pending()):
            self.state.save((*each, body_of(self.market, self.universe, *each)) for each in keys)
        self.changes.clear()

    def close(self) -> None:
        if self.state is not None:
            self.state.close()

    def list_symbol(self, request: ListingRequest, now_ms: int) -> Instrument:
        instrument = listed(request, self.settings, now_ms)
        self.market.catalogue.put(instrument)
        return instrument

    def list_newcomer(self, now_ms: int) -> Instrument:
        """List a coin of a name that was never heard, with the scenario that is next."""
        scenario = scenario_of(self.newcomers, self.settings.seed)
        names = (named(each, scenario) for each in self.fresh_symbols)
        symbol = next(each for each in names if self.market.catalogue.is_fresh(each))
        self.newcomers += 1
        return self.list_symbol(ListingRequest(symbol=symbol, scenario=scenario), now_ms)


def _now_ms(settings: SimulatorSettings) -> int:
    return (time.time_ns() + _ns(settings.clock_ahead_seconds)) // 1_000_000


def _ns(seconds: float) -> int:
    return round(seconds * 1_000_000_000)


def build(settings: SimulatorSettings, say: Callable[[str], None] = lambda _: None) -> Exchange:
    """The exchange of *settings*, as its state file left it where there is one. Raises StateError.

    *say* is told in one sentence what an operator should know of that file.
    """
    state, before = remembered(settings.state_file, say) if settings.state_file else (None, None)
    universe = before.universe if before else Universe(settings.symbols, settings.seed, _now_ms(settings))
    if (universe.symbols, universe.seed) != (settings.symbols, settings.seed):
        say(f"{settings.state_file}: keeps its {universe.symbols} symbols of seed {universe.seed}")
    changes = Changes()
    catalogue = Catalogue(universe.initial(), changes)
    market = Market(
        catalogue,
        Wallet({"USDT": settings.funds_usdt}, changes),
        Fees(settings.taker_fee, settings.fee_asset),
        Rules(settings.taker_fee, settings.price_protection, truncate_decimals=settings.excess_decimals == "truncate"),
        changes,
    )
    exchange = Exchange(
        settings,
        market,
        ExchangeInfo(catalogue, market.rules),
        RateLimiter(_limits(settings)),
        universe,
        fresh_symbols(settings.seed, universe.born_ms if state else None),
        changes,
        state,
    )
    if before:
        restore(market, before)
        changes.clear()
    else:
        changes.note(Kind.UNIVERSE)
    exchange.save()
    return exchange


def _limits(settings: SimulatorSettings) -> Limits:
    return Limits(
        settings.weight_per_10_seconds,
        settings.requests_per_second,
        settings.orders_per_second,
        settings.ban_after_refusals,
        int(settings.ban_seconds * 1_000),
    )
