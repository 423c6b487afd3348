"""The ledger of a model exchange: orders as it took them, their trades, and what the account holds."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_DOWN, Decimal
from typing import Literal

from executor.venues.venue import Way
from shared.events import Side
from shared.mexc.orders.order_reports import Balance, OrderReport, OrderStatus, TradeReport
from tests.support.model.model_market import Coin

FEE = Decimal("0.0005")
FeeIn = Literal["quote", "base", "MX", "mixed"]
FillKind = Literal["all", "part", "none", "rest"]
MONEY = Decimal(10_000_000)
_DUST = Decimal("1E-8")
PART = Decimal(20)


@dataclass(frozen=True)
class Sent:
    """A request as it arrived."""

    symbol: str
    side: Side
    client_order_id: str
    quantity: Decimal
    price: Decimal
    timestamp_ms: int
    window_ms: int


@dataclass
class Entry:
    order_id: str
    sent: Sent
    coin: Coin
    taken_at: float
    created_ms: int
    shown_at: float
    hidden_by: frozenset[Way]
    word: str = ""
    working: bool = False
    trades: list[TradeReport] = field(default_factory=list)

    @property
    def executed(self) -> Decimal:
        return sum((each.quantity for each in self.trades), Decimal(0))

    @property
    def value(self) -> Decimal:
        return sum((each.quote_quantity for each in self.trades), Decimal(0))

    def fee_in(self, asset: str) -> Decimal:
        fees = (each.commission or Decimal(0) for each in self.trades if each.commission_asset == asset)
        return sum(fees, Decimal(0))

    @property
    def base_change(self) -> Decimal:
        """By how much the coins in the account changed."""
        bought = self.executed if self.sent.side is Side.BUY else -self.executed
        return bought - self.fee_in(self.coin.asset)

    @property
    def spent(self) -> Decimal:
        """In the quote asset; negative where it was received."""
        paid = self.value if self.sent.side is Side.BUY else -self.value
        return paid + self.fee_in(self.coin.quote)

    def report(self) -> OrderReport:
        return OrderReport(
            symbol=self.sent.symbol,
            order_id=self.order_id,
            client_order_id=self.sent.client_order_id,
            side=self.sent.side,
            type="IMMEDIATE_OR_CANCEL",
            status=self._status(),
            price=self.sent.price,
            quantity=self.sent.quantity,
            quote_quantity=None,
            executed_quantity=self.executed,
            executed_value=self.value,
            created_at=_moment(self.created_ms),
            updated_at=_moment(self.created_ms),
            status_word=self.word or str(self._status()),
        )

    def _status(self) -> OrderStatus:
        if self.word:
            return OrderStatus.UNKNOWN
        if self.working:
            return OrderStatus.PARTIALLY_FILLED if self.trades else OrderStatus.NEW
        if self.executed == self.sent.quantity:
            return OrderStatus.FILLED
        return OrderStatus.PARTIALLY_CANCELED if self.trades else OrderStatus.CANCELED


class Ledger:
    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.moved: dict[str, Decimal] = defaultdict(Decimal)
        """What a person put in, or took away, by asset."""
        self._numbers = 0

    def held(self, asset: str) -> Decimal:
        """Return how many coins of *asset* the account holds."""
        ours = (each.base_change for each in self.entries if each.coin.asset == asset)
        return sum(ours, Decimal(0)) + self.moved[asset]

    def balances(self) -> dict[str, Balance]:
        spent = sum((each.spent for each in self.entries), Decimal(0))
        balances = {"USDT": Balance(MONEY - spent, Decimal(0))}
        for asset in {each.coin.asset for each in self.entries} | set(self.moved):
            locked = sum(
                (
                    each.sent.quantity - each.executed
                    for each in self.entries
                    if each.working and each.sent.side is Side.SELL and each.coin.asset == asset
                ),
                Decimal(0),
            )
            if held := self.held(asset):
                balances[asset] = Balance(held - locked, locked)
        return balances

    def free(self, asset: str) -> Decimal:
        balance = self.balances().get(asset)
        return Decimal(0) if balance is None else balance.free

    def execute(self, entry: Entry, kind: FillKind, fee_in: FeeIn, now: float, now_ms: int) -> None:
        """Fill *entry* from the book of its coin as far as its price and *kind* allow."""
        self.entries.append(entry)
        entry.working = kind == "rest"
        if kind in {"none", "rest"}:
            return
        sent, is_buy = entry.sent, entry.sent.side is Side.BUY
        wanted = min(sent.quantity, PART) if kind == "part" else sent.quantity
        for level in entry.coin.asks() if is_buy else entry.coin.bids():
            if level.price.is_nan() or (level.price > sent.price if is_buy else level.price < sent.price):
                continue
            quantity = min(wanted, level.quantity)
            if quantity > 0:
                self._trade(entry, level.price, quantity, fee_in, now_ms)
                wanted -= quantity
                if not is_buy:
                    entry.coin.take(level.price, quantity)

    def _trade(self, entry: Entry, price: Decimal, quantity: Decimal, fee_in: FeeIn, now_ms: int) -> None:
        halves = [quantity / 2, quantity - quantity / 2] if fee_in == "mixed" else [quantity]
        coin, is_buy = entry.coin, entry.sent.side is Side.BUY
        for half, asset in zip(halves, self._assets(coin, fee_in, is_buy=is_buy), strict=False):
            self._numbers += 1
            fee = {coin.asset: half * FEE, coin.quote: half * price * FEE, "MX": Decimal("0.001")}[asset]
            entry.trades.append(
                TradeReport(
                    symbol=coin.symbol,
                    trade_id=str(self._numbers),
                    order_id=entry.order_id,
                    price=price,
                    quantity=half,
                    quote_quantity=half * price,
                    commission=fee.quantize(_DUST, ROUND_DOWN),
                    commission_asset=asset,
                    traded_at=_moment(now_ms),
                    is_buyer=is_buy,
                    is_maker=False,
                    client_order_id=entry.sent.client_order_id,
                )
            )

    @staticmethod
    def _assets(coin: Coin, fee_in: FeeIn, *, is_buy: bool) -> list[str]:
        if not is_buy and fee_in in {"base", "mixed"}:
            return [coin.quote, coin.quote]  # What is sold is gone: the fee is taken off what it brought.
        return {"quote": [coin.quote], "base": [coin.asset], "MX": ["MX"], "mixed": [coin.asset, coin.quote]}[fee_in]


def _moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)
