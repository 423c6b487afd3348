"""Generator of the initial symbols and of newcomers, deterministic by seed."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from simulator.symbols.draws import draws
from simulator.symbols.instrument import Instrument

DAY_MS = 86_400_000
_SYLLABLES = ("BA", "KO", "LU", "MI", "NEX", "OR", "PY", "QUA", "RI", "SOL", "TA", "VEX", "WO", "XI", "YU", "ZEN")
_KNOWN = {
    "BTC": ("Bitcoin", Decimal(60_000), 2, 6),
    "ETH": ("Ethereum", Decimal(3_000), 2, 5),
    "MX": ("MX Token", Decimal(3), 4, 2),
    # MEXC lists coins with names outside ASCII, which clients have to sign and store.
    "币安人生": ("币安人生", Decimal("0.15"), 5, 2),
}


@dataclass(frozen=True, slots=True)
class SymbolGenerator:
    """The parameters that the symbols of an exchange were generated from."""

    symbols: int
    seed: int
    born_ms: int

    def initial(self) -> list[Instrument]:
        """Return the initial symbols, unchanged."""
        return initial(self.symbols, self.seed, self.born_ms)


def initial(count: int, seed: int, now_ms: int) -> list[Instrument]:
    """Return *count* symbols that have traded for days, BTCUSDT, ETHUSDT and MXUSDT first."""
    known = [_known(base, now_ms) for base in list(_KNOWN)[:count]]
    names = _names(seed, "listed")
    return known + [_drawn(next(names), seed, now_ms) for _ in range(count - len(known))]


def newcomer(symbol: str, now_ms: int, opens_at_ms: int, price: Decimal | None = None) -> Instrument:
    """Return a coin listed now that opens at *opens_at_ms*, with rules drawn from its name."""
    plain = _drawn(symbol.removesuffix("USDT"), 0, now_ms)
    quote = next((quote for quote in ("USDT", "USDC", "USDE") if symbol.endswith(quote)), "USDT")
    base = symbol.removesuffix(quote) or symbol
    drawn = replace(plain, symbol=symbol, base=base, quote=quote, swing=0.05, pace_ms=1_000)
    decimals = _price_decimals(price) if price is not None else drawn.price_decimals
    return replace(
        drawn,
        price=price if price is not None else drawn.price,
        price_decimals=decimals,
        quantity_decimals=_quantity_decimals(price) if price is not None else drawn.quantity_decimals,
        listed_at_ms=now_ms,
        first_open_time_ms=opens_at_ms,
        opens_at_ms=opens_at_ms,
        api_allowed=True,
    )


def fresh_symbols(seed: int, born_ms: int | None = None) -> Iterator[str]:
    """Return distinct names of new coins; an exchange created at another time gets other names."""
    kind = "fresh" if born_ms is None else f"fresh since {born_ms}"
    return (f"{name}USDT" for name in _names(seed, kind))


def _names(seed: int, kind: str) -> Iterator[str]:
    seen: set[str] = set()
    number = 0
    while True:
        number += 1
        parts = draws(seed, kind, number)
        length = 2 + int(parts[3] * 2)
        name = "".join(_SYLLABLES[int(part * len(_SYLLABLES))] for part in parts[:length])
        if name not in seen:
            seen.add(name)
            yield name
        elif number % 3 == 0:  # A crowded name space is left through numbered names.
            numbered = f"{name}{number}"
            seen.add(numbered)
            yield numbered


def _known(base: str, now_ms: int) -> Instrument:
    full_name, price, price_decimals, quantity_decimals = _KNOWN[base]
    return Instrument(
        symbol=f"{base}USDT",
        base=base,
        quote="USDT",
        full_name=full_name,
        price=price,
        price_decimals=price_decimals,
        quantity_decimals=quantity_decimals,
        swing=0.01,
        pace_ms=500,
        depth_quote=Decimal(1_000_000),
        listed_at_ms=now_ms - 900 * DAY_MS,
        first_open_time_ms=1_506_787_200_000,
        opens_at_ms=now_ms - 900 * DAY_MS,
    )


def _drawn(base: str, seed: int, now_ms: int) -> Instrument:
    magnitude, digits, pace, depth, age, api, quote, swing = draws(seed, base)
    price = Decimal(round(1 + 9 * digits, 3)).scaleb(round(magnitude * 6) - 4)
    opened_ms = now_ms - int((1 + 800 * age) * DAY_MS)
    return Instrument(
        symbol=f"{base}{'USDC' if quote < 0.05 else 'USDT'}",
        base=base,
        quote="USDC" if quote < 0.05 else "USDT",
        full_name=base.title(),
        price=price.quantize(Decimal(1).scaleb(-_price_decimals(price))),
        price_decimals=_price_decimals(price),
        quantity_decimals=_quantity_decimals(price),
        swing=0.01 + 0.04 * swing,
        pace_ms=1_000 * round(2 + 60 * pace),
        depth_quote=Decimal(round(5_000 + 95_000 * depth)),
        listed_at_ms=opened_ms,
        first_open_time_ms=opened_ms,
        opens_at_ms=opened_ms,
        # About one listed symbol in twenty cannot be traded through the API.
        api_allowed=api >= 0.045,
    )


def _price_decimals(price: Decimal) -> int:
    """Enough for four significant digits."""
    return max(2, 3 - price.adjusted())


def _quantity_decimals(price: Decimal) -> int:
    """Enough for steps worth less than a tenth of the quote asset."""
    return max(2, price.adjusted() + 2)
