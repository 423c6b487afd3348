"""The exchange as one object, shared by REST, websocket and control."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from simulator.dirty_rows import Changes, RowKind
from simulator.faults.registry import FaultRegistry
from simulator.market.exchange_info import ExchangeInfo
from simulator.market.listings import ListingRequest, make_instrument
from simulator.market.market import Market
from simulator.market.order_validation import TradingRules
from simulator.market.settlement import Fees
from simulator.market.wallet import Wallet
from simulator.private.listen_keys import ListenKeys
from simulator.rate_limits import RateLimiter, RateLimits
from simulator.request_log import RequestLog
from simulator.settings import SimulatorSettings
from simulator.state import load_state, restore, row_body
from simulator.state_file import StateFile
from simulator.symbols import Catalogue, Instrument, SymbolGenerator, fresh_symbols, scenario_of, scenario_symbol


@dataclass(slots=True)
class Exchange:
    settings: SimulatorSettings
    market: Market
    info: ExchangeInfo
    limiter: RateLimiter
    generator: SymbolGenerator
    fresh_symbols: Iterator[str]
    changes: Changes
    listen_keys: ListenKeys
    state: StateFile | None = None
    newcomers: int = 0
    """Number of newcomers listed since the start; selects the next scenario."""
    faults: FaultRegistry = field(default_factory=FaultRegistry)
    request_log: RequestLog = field(default_factory=RequestLog)

    def now_ms(self) -> int:
        """The market's time."""
        return _now_ms(self.settings)

    def server_ms(self) -> int:
        """The exchange's server time, which timestamps are checked against: the market's, plus any clock skew."""
        return (time.time_ns() + self.ahead_ns()) // 1_000_000

    def ahead_ns(self) -> int:
        """Nanoseconds the server time is ahead of this machine's clock."""
        skew = self.faults.active("clock_skew")
        return _ns(self.settings.clock_ahead_seconds) + (_ns(skew.duration_seconds) if skew else 0)

    def save(self) -> None:
        """Write the changed rows to disk; must precede any answer that shows them. Raises StateError."""
        if self.state is not None and (keys := self.changes.pending()):
            self.state.save((*each, row_body(self.market, self.generator, *each)) for each in keys)
        self.changes.clear()

    def close(self) -> None:
        if self.state is not None:
            self.state.close()

    def list_symbol(self, request: ListingRequest, now_ms: int) -> Instrument:
        instrument = make_instrument(request, self.settings, now_ms)
        self.market.catalogue.put(instrument)
        return instrument

    def list_newcomer(self, now_ms: int) -> Instrument:
        """List a coin under an unused name, with the next scenario."""
        scenario = scenario_of(self.newcomers, self.settings.seed)
        names = (scenario_symbol(each, scenario) for each in self.fresh_symbols)
        symbol = next(each for each in names if self.market.catalogue.is_fresh(each))
        self.newcomers += 1
        return self.list_symbol(ListingRequest(symbol=symbol, scenario=scenario), now_ms)


def _now_ms(settings: SimulatorSettings) -> int:
    return (time.time_ns() + _ns(settings.clock_ahead_seconds)) // 1_000_000


def _ns(seconds: float) -> int:
    return round(seconds * 1_000_000_000)


def build_exchange(settings: SimulatorSettings, report: Callable[[str], None] = lambda _: None) -> Exchange:
    """Build the exchange of *settings*, restored from its state file if there is one. Raises StateError.

    *report* receives one sentence for the operator about a file that differs from the settings or is unreadable.
    """
    state, before = load_state(settings.state_file, report) if settings.state_file else (None, None)
    generator = before.generator if before else SymbolGenerator(settings.symbols, settings.seed, _now_ms(settings))
    if (generator.symbols, generator.seed) != (settings.symbols, settings.seed):
        report(f"{settings.state_file}: keeps its {generator.symbols} symbols of seed {generator.seed}")
    changes = Changes()
    catalogue = Catalogue(generator.initial(), changes)
    market = Market(
        catalogue,
        Wallet({"USDT": settings.funds_usdt}, changes),
        Fees(settings.taker_fee, settings.fee_asset),
        TradingRules(
            settings.taker_fee, settings.price_protection, truncate_decimals=settings.excess_decimals == "truncate"
        ),
        changes,
    )
    exchange = Exchange(
        settings,
        market,
        ExchangeInfo(catalogue, market.rules),
        RateLimiter(_limits(settings)),
        generator,
        fresh_symbols(settings.seed, generator.born_ms if state else None),
        changes,
        _listen_keys(settings),
        state,
    )
    if before:
        restore(market, before)
        changes.clear()
    else:
        changes.note(RowKind.GENERATOR)
    exchange.save()
    return exchange


def _limits(settings: SimulatorSettings) -> RateLimits:
    return RateLimits(
        settings.weight_per_10_seconds,
        settings.requests_per_second,
        settings.orders_per_second,
        settings.ban_after_refusals,
        int(settings.ban_seconds * 1_000),
    )


def _listen_keys(settings: SimulatorSettings) -> ListenKeys:
    return ListenKeys(lifetime_ms=int(settings.listen_key_seconds * 1_000), keys_max=settings.listen_keys_max)
