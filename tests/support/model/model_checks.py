"""Invariants, whatever market, exchange, clocks and crashes do."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal
from typing import Any, Final

from asyncpg import Record

from executor.exits.watchdog import NAMED_MAX
from executor.model.order import ExitReason
from executor.model.order_state import AT_LARGE
from executor.model.position import ENDED, HELD
from executor.settings import ExecutorSettings
from shared.control.halts import halts_in_force
from shared.events import Health, HealthStatus, Listing, Side
from shared.postgres.database import Connection, Database
from tests.support.fakes.virtual_time import HALT_POLL_SECONDS, VirtualLoop
from tests.support.model.model_exchange import ModelExchange
from tests.support.model.model_ledger import Entry, Sent
from tests.support.model.model_process import ModelBus

CENT: Final = Decimal("0.01")
MAX_POSITION: Final = Decimal(550)
SETTINGS: Final = ExecutorSettings.model_validate(
    {
        "retry_seconds": 5,
        "exchange_timeout_seconds": 1,
        "protection_seconds": 3,
        "absent_reads": 2,
        "orders_per_minute": 10_000,
        "orders_per_day": 1_000_000,
        "daily_spend_usdt": Decimal(1_000_000),
        "failures_max": 8,
        "listings_per_minute_max": 1000,
        "weight_per_10_seconds": 100_000,
        "requests_per_second": 10_000,
        "key_weight_per_10_seconds": 100_000,
        "key_requests_per_second": 10_000,
        "stop_grace_seconds": 1,
        "dust_looks": 3,
        "dust_seconds": 3,
        "rare_check_seconds": 5,
        "suspended_check_seconds": 2,
        "delisted_seconds": 5,
        "custody_check_seconds": 3,
        "missing_seconds": 8,
        "holdings_check_seconds": 5,
        "lookup_alarm_seconds": 20,
        "trades_seconds": 3,
        "unknown_status_seconds": 2,
        "unconfirmed_sale_seconds": 2,
        # Oftener, most of the statements at which a process dies would be rehearsed ones.
        "rehearsal_seconds": 2,
    }
)
POLICY: Final[Mapping[str, Any]] = {"take_profit_pct": 30, "stop_loss_pct": 15, "trailing_stop_pct": 25}
LADDER: Final[Mapping[str, Any]] = {
    **POLICY,
    "take_profit_pct": None,
    "take_profit_ladder": [{"at_pct": 20, "sell_pct": 50}, {"at_pct": 60, "sell_pct": 30}],
}
LADDERS_KEEP: Final = Decimal("0.2")
"""Of what was bought, when every step is done."""
OTHER_POLICIES: Final[Sequence[Mapping[str, Any]]] = (
    POLICY,
    LADDER,
    LADDER,
    {"stop_loss_pct": 5, "take_profit_pct": 40},
    {"stop_loss_pct": 50, "trailing_stop_pct": 10, "trailing_activation_pct": 20},
    {**POLICY, "daily_loss_usdt_max": 60},
)
"""None takes profit below that of `POLICY`."""
GAINS: Final[Mapping[str, Decimal]] = {
    ExitReason.TAKE_PROFIT: Decimal("1.3"),
    ExitReason.TAKE_PROFIT_STEP: Decimal("1.2"),
}
"""What was paid, and what the lowest trigger of any policy adds."""
PROTECTION: Final = SETTINGS.protection_seconds
OVERDUE_SECONDS: Final = 14.0
"""A position not looked at for longer has to be reported: ten seconds, and some for the report."""


@dataclass
class Books:
    """What the database says, all of it read at once."""

    orders: dict[str, Record]
    positions: dict[tuple[str, str], Record]
    exposure: dict[str, Record]
    earlier: frozenset[str]
    """The names of attempts that another followed."""

    @property
    def sent_as(self) -> dict[str, Record]:
        """The orders by the names of their latest attempts."""
        return {each["attempt_id"] or name: each for name, each in self.orders.items()}


UNWATCHED: Final = re.compile(r"(\d+) positions are not watched")
_NONE: Final = Decimal(0)
SENT_AS: Final = "SELECT * FROM orders WHERE $1 = coalesce(attempt_id, client_order_id)"


class Checks:
    """Of a world: its ledgers against each other, after every step and whenever a request is on the wire."""

    def __init__(self, loop: VirtualLoop, database: Database) -> None:
        self.loop, self.database = loop, database
        self.exchange = ModelExchange(loop.time, self._on_request)
        self.bus = ModelBus()
        self.violations: list[str] = []
        self.listings: dict[str, Listing] = {}
        self.halted_since: float | None = None
        self.taken_by_hand: set[str] = set()
        self.known_since: dict[tuple[str, str], float] = {}
        self.started_at = 0.0
        self.well_since = loop.time()

    async def _on_request(self, sent: Sent) -> None:
        """Check what has to hold whenever a request is on the wire."""
        async with self.database.connection() as connection:
            row = await connection.fetchrow(SENT_AS, sent.client_order_id)
            halts = [each for each in await halts_in_force(connection) if each.mode in {None, "live"}]
            exposure = await connection.fetchrow("SELECT * FROM exposure WHERE mode = 'live'")
            position = await self._position(connection, row)
        if row is None or row["state"] != "sending":
            self.violations.append(f"{sent} was sent with {row and row['state']} committed")
        elif sent.side is Side.BUY:
            self._check_purchase(sent, halts, exposure)
        else:
            self._check_sale(sent, row, position)

    def _check_purchase(self, sent: Sent, halts: list[Any], exposure: Record | None) -> None:
        assert exposure is not None
        since = self.halted_since
        if halts and since is not None and self.loop.time() - since > 2 * HALT_POLL_SECONDS + 0.1:
            self.violations.append(f"{sent} was sent in spite of {halts}")
        if exposure["reserved_usdt"] + exposure["filled_usdt"] > MAX_POSITION:
            self.violations.append(f"{sent} was sent with {dict(exposure)} at stake")

    def _check_sale(self, sent: Sent, row: Record, position: Record | None) -> None:
        if position is None or sent.quantity > position["base_qty"]:
            self.violations.append(f"{sent} sells more than is held: {position and dict(position)}")
            return
        if row["price_min"] is not None and sent.price < row["price_min"]:
            self.violations.append(f"{sent} is below its floor of {row['price_min']}")
        if row["exit_reason"] in GAINS:
            floor = position["average_price"] * GAINS[row["exit_reason"]] * Decimal("0.95")
            if sent.price < floor * Decimal("0.999999"):
                self.violations.append(f"{sent} takes profit below {floor}")
        if row["exit_reason"] == ExitReason.TAKE_PROFIT_STEP:
            self._check_step(sent, position)

    def _check_step(self, sent: Sent, position: Record) -> None:
        """A step sells no more than the ladders that there are, and leaves nothing that could not be sold."""
        rest = position["base_qty"] - sent.quantity
        kept = position["bought_qty"] * LADDERS_KEEP
        if rest and (rest * sent.price < 1 or rest < kept - CENT):
            self.violations.append(f"{sent} leaves {rest} of {position['bought_qty']}")

    @staticmethod
    async def _position(connection: Connection, row: Record | None) -> Record | None:
        if row is None:
            return None
        statement = "SELECT * FROM positions WHERE listing_key = $1 AND mode = $2"
        return await connection.fetchrow(statement, row["listing_key"], row["mode"])

    # What always holds.

    async def books(self) -> Books:
        async with self.database.connection() as connection, connection.transaction(isolation="repeatable_read"):
            orders = await connection.fetch("SELECT * FROM orders ORDER BY id")
            positions = await connection.fetch("SELECT * FROM positions ORDER BY opened_at")
            exposure = await connection.fetch("SELECT * FROM exposure")
            earlier = await connection.fetch("SELECT attempt_id FROM order_attempts")
        return Books(
            {each["client_order_id"]: each for each in orders},
            {(each["listing_key"], each["mode"]): each for each in positions},
            {each["mode"]: each for each in exposure},
            frozenset(each["attempt_id"] for each in earlier),
        )

    async def check(self) -> None:
        await self.see_halts()
        assert self.violations == []
        books = await self.books()
        self._check_listings()
        self._check_ledger(books)
        self._check_exchange(books)
        self._check_watched(books)

    async def see_halts(self) -> None:
        async with self.database.connection() as connection:
            halted = [each for each in await halts_in_force(connection) if each.mode in {None, "live"}]
        if not halted:
            self.halted_since = None
        elif self.halted_since is None:
            self.halted_since = self.loop.time()

    def _check_listings(self) -> None:
        bought = defaultdict[str, int](int)
        for entry in self.exchange.ledger.entries:
            if entry.sent.side is Side.BUY and (entry.trades or entry.working):
                bought[entry.sent.symbol] += 1
        assert all(count == 1 for count in bought.values()), f"two orders of a listing: {dict(bought)}"
        sold = defaultdict[str, Decimal](Decimal)
        for entry in self.exchange.ledger.entries:
            sold[entry.coin.asset] += entry.base_change
        oversold = {asset: quantity for asset, quantity in sold.items() if quantity < 0}
        assert not oversold, f"more was sold than was bought: {oversold}"

    def _check_ledger(self, books: Books) -> None:
        for mode, exposure in books.exposure.items():
            orders = [each for each in books.orders.values() if each["mode"] == mode and each["state"] in AT_LARGE]
            positions = [each for (_, held_in), each in books.positions.items() if held_in == mode]
            held = [each for each in positions if each["state"] in HELD]
            assert exposure["reserved_usdt"] == sum(each["quote_qty"] for each in orders)
            assert exposure["filled_usdt"] == sum(each["cost_usdt"] for each in held)
            assert all(each["cost_usdt"] == 0 for each in positions if each not in held)
            appeared = [each for each in books.orders.values() if (each["error_reason"] or "").startswith("appeared")]
            at_stake = exposure["reserved_usdt"] + exposure["filled_usdt"]
            assert at_stake <= MAX_POSITION or appeared, f"{at_stake} at stake"

    def _check_exchange(self, books: Books) -> None:
        """The exchange's ledger against ours: what it holds of ours is covered, or appears too late."""
        exposure = books.exposure["live"]
        at_stake = sum((self._cost_of(key, books) for key in self.listings), Decimal(0))
        covered = exposure["reserved_usdt"] + exposure["filled_usdt"] + CENT * len(self.listings)
        assert at_stake <= covered, f"{at_stake} at stake at the exchange, {covered} in the books"
        for entry in self.exchange.ledger.entries:
            name = entry.sent.client_order_id
            if name in books.earlier:
                assert not entry.trades or self.is_late(entry), f"another attempt followed: {entry}"
                continue
            row = books.sent_as.get(name)
            assert row is not None, f"{entry.sent} is not in the journal"
            if entry.trades and not self.is_late(entry):
                assert row["state"] not in {"armed", "rejected", "failed", "expired"}, f"given up: {dict(row)} {entry}"

    async def check_results(self) -> None:
        """What positions came to, against the journal's orders; a day's result is that of its positions."""
        async with self.database.connection() as connection:
            rows = await connection.fetch("SELECT * FROM position_results WHERE mode = 'live'")
            appeared = await connection.fetchval("SELECT count(*) FROM order_attempts WHERE appeared_at IS NOT NULL")
        books, results = await self.books(), {row["listing_key"]: row["result_usdt"] for row in rows}
        if appeared:
            return  # They are in rows of their own.
        expected = {
            key: self._came_to(key, books, position["quote_asset"])
            for (key, mode), position in books.positions.items()
            if mode == "live" and position["state"] in ENDED
        }
        assert results == expected
        day = books.exposure["live"]["day_result_usdt"]
        gains = sum((_realised(position) for (_, mode), position in books.positions.items() if mode == "live"), _NONE)
        assert day == gains, f"{day} came of the day, {gains} of its positions"

    @staticmethod
    def _came_to(key: str, books: Books, quote_asset: str) -> Decimal:
        orders = [each for each in books.orders.values() if each["listing_key"] == key and each["mode"] == "live"]
        total = Decimal(0)
        for order in orders:
            if order["executed_qty"]:
                fee = Decimal((order["fees"] or {}).get(quote_asset, 0))
                total += -order["cost"] - fee if order["side"] == Side.BUY else order["cost"] - fee
        return total

    def is_late(self, entry: Entry) -> bool:
        """Whether the exchange keeps it hidden for longer than it ever does."""
        return entry.shown_at - entry.taken_at > PROTECTION

    def _cost_of(self, key: str, books: Books) -> Decimal:
        symbol, position = self.listings[key].symbol, books.positions.get((key, "live"))
        if position is not None and position["state"] == "written_off":
            return Decimal(0)
        quantity = cost = Decimal(0)
        ours = [each for each in self.exchange.ledger.entries if each.sent.symbol == symbol and each.trades]
        if any(map(self.is_late, ours)):
            return Decimal(0)
        for entry in ours:
            if entry.sent.side is Side.BUY:
                quantity, cost = quantity + entry.base_change, cost + entry.spent
            else:
                cost, quantity = cost * (quantity + entry.base_change) / quantity, quantity + entry.base_change
        return cost

    def _check_watched(self, books: Books) -> None:
        """Every position is looked at, or health names it as one that is not; what is not open says why."""
        now, health = self.loop.time(), self.bus.health.get("exits")
        is_young = now - max(self.started_at, self.well_since) < OVERDUE_SECONDS
        for (key, mode), position in books.positions.items():
            if position["state"] not in {"open", "closing"} or is_young or _is_told(health, f"{key} {mode}"):
                continue
            # It may be known for less long than it is held.
            known_since = self.known_since.setdefault((key, mode), now)
            seen_at = max(self.exchange.looked_at.get(position["symbol"], 0.0), known_since)
            unseen = f"{key} {mode} was not looked at for {now - seen_at:.0f} s: {health and health.detail}"
            assert now - seen_at < OVERDUE_SECONDS, unseen
        for position in books.positions.values():
            if position["state"] in {"external", "unsellable"}:
                assert position["note"], f"nobody is told of {dict(position)}"


def _is_told(health: Health | None, name: str) -> bool:
    """Return whether *health* reports the position *name*, or all, as not looked at."""
    if health is None or health.status is HealthStatus.ERROR or name in health.detail:
        return True
    counted = UNWATCHED.match(health.detail)
    return counted is not None and int(counted[1]) > NAMED_MAX


def _realised(position: Record) -> Decimal:
    """Return what the part of *position* that is gone came to, in cents: its one purchase is rounded up."""
    paid: Decimal = position["paid"].quantize(CENT, ROUND_UP)
    return Decimal(position["received_usdt"] - (paid - position["cost_usdt"]))
