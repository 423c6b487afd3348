"""The whole exchange in one object: what REST, websocket and control act on."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from simulator import universe
from simulator.catalogue import Catalogue
from simulator.checks import Rules
from simulator.faults import Faults
from simulator.instrument import Instrument
from simulator.ledger import Ledger
from simulator.listings import ListingRequest, listed
from simulator.market import Market
from simulator.rates import Limits, RateLimiter
from simulator.rest.info import ExchangeInfo
from simulator.settings import SimulatorSettings
from simulator.settling import Fees
from simulator.wallet import Wallet


@dataclass(slots=True)
class Exchange:
    settings: SimulatorSettings
    market: Market
    info: ExchangeInfo
    limiter: RateLimiter
    fresh_symbols: Iterator[str]
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
        return _ns(self.settings.clock_ahead_seconds) + (_ns(skew.seconds) if skew else 0)

    def list_symbol(self, request: ListingRequest, now_ms: int) -> Instrument:
        instrument = listed(request, self.settings, now_ms)
        self.market.catalogue.put(instrument)
        return instrument


def _now_ms(settings: SimulatorSettings) -> int:
    return (time.time_ns() + _ns(settings.clock_ahead_seconds)) // 1_000_000


def _ns(seconds: float) -> int:
    return round(seconds * 1_000_000_000)


def build(settings: SimulatorSettings) -> Exchange:
    catalogue = Catalogue(universe.initial(settings.symbols, settings.seed, _now_ms(settings)))
    market = Market(
        catalogue,
        Wallet({"USDT": settings.funds_usdt}),
        Fees(settings.taker_fee, settings.fee_asset),
        Rules(settings.taker_fee, settings.price_protection, truncate_decimals=settings.excess_decimals == "truncate"),
    )
    limits = Limits(
        settings.weight_per_10_seconds,
        settings.requests_per_second,
        settings.orders_per_second,
        settings.ban_after_refusals,
        int(settings.ban_seconds * 1_000),
    )
    return Exchange(
        settings,
        market,
        ExchangeInfo(catalogue, market.rules),
        RateLimiter(limits),
        universe.fresh_symbols(settings.seed),
    )
