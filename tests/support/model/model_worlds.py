"""A world of one executor after another, one exchange, its market and both clocks; and how it ends."""

import asyncio
import itertools
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from asyncpg import Record

from api.operator import held_positions, position_exits, trade_config
from api.operator.held_positions import NoSuchPositionError
from api.operator.position_exits import ExitChange
from executor.model.order_state import AT_LARGE
from shared.control import exit_policy
from shared.events import Listing, Mode, TradingRules
from shared.postgres.database import Database
from tests.support.data.builders import NOON, a_listing
from tests.support.fakes.virtual_time import VirtualLoop
from tests.support.model.model_checks import CENT, POLICY, SETTINGS, Books, Checks
from tests.support.model.model_market import Coin, Trading
from tests.support.model.model_process import Process, model_wall
from tests.support.running.policies import configure_exits

RULES: Final = TradingRules(base_precision=2, quote_precision=6, quote_amount_min=Decimal(1))
RESET: Final = """
TRUNCATE orders, order_attempts, positions, other_fees, trade_outbox, halts, rate_usage;
UPDATE exposure SET reserved_usdt = 0, filled_usdt = 0, ceiling_usdt = 0, recent_orders = '{}', day = '1970-01-01',
    day_orders = 0, day_spent_usdt = 0, failures = 0, result_day = '1970-01-01', day_result_usdt = 0,
    loss_day = '1970-01-01', loss_known_usdt = 0;
UPDATE trade_config SET max_trade_usdt = 100, max_position_usdt = 550, auto_trade = true, auto_trade_until = NULL,
    halted = false, selling_all = false, exits_halted = false, halted_reason = '', resumed_at = clock_timestamp();
"""
RESUME: Final = (
    "auto_trade = true, auto_trade_until = NULL, halted = false, exits_halted = false, selling_all = false, "
    "halted_reason = '', resumed_at = clock_timestamp()"
)
HALT: Final = "halted = true, halted_reason = 'drill', halted_at = clock_timestamp()"
SOLD_WITHIN_SECONDS: Final = 10.0


_NUMBERS: Final = itertools.count()


class World(Checks):
    def __init__(self, loop: VirtualLoop, database: Database, *, live: bool = True) -> None:
        super().__init__(loop, database)
        self.live = live
        self.number = next(_NUMBERS)
        """Of this world: what operators asked for in those before stays in the database."""
        self.wall_ahead = 0.0
        self.process: Process | None = None

    async def begin(self) -> None:
        async with self.database.connection() as connection:
            await connection.execute(RESET)
            if not self.live:
                await connection.execute("UPDATE trade_config SET auto_trade = false")
        await configure_exits(self.database, **POLICY)
        self.start()
        await self.advance(1)

    async def end(self) -> None:
        if self.process is not None:
            await self.process.kill()
        await self.exchange.close()

    # The executor.

    def start(self) -> None:
        wall = model_wall(self.loop.time, lambda: self.wall_ahead)
        self.process = Process(self.database, self.exchange, self.bus, SETTINGS, wall=wall)
        self.started_at = self.loop.time()

    async def restart(self, *, gracefully: bool = False) -> None:
        assert self.process is not None
        await (self.process.stop() if gracefully else self.process.kill())
        self.start()

    async def advance(self, seconds: float) -> None:
        """Let time pass; where the executor died meanwhile, another one starts."""
        until = self.loop.time() + seconds
        while (left := until - self.loop.time()) > 1e-6:
            assert self.process is not None
            done, _ = await asyncio.wait([self.process.task], timeout=left)
            if done:
                if not self.process.is_dead:
                    self.process.task.result()
                    self.violations.append("the executor ended by itself")
                self.start()

    # What happens.

    def now_of_exchange(self) -> datetime:
        return NOON + timedelta(seconds=self.exchange.now_ms() / 1000 - NOON.timestamp())

    def list_coin(self, *, opens_in: float | None = None) -> Listing:
        asset = f"W{self.number}C{len(self.listings):02}"
        coin = self.exchange.coins[f"{asset}USDT"] = Coin(asset)
        now = self.now_of_exchange()
        opens_at = None if opens_in is None else now + timedelta(seconds=opens_in)
        if opens_in is not None:
            coin.trading = Trading.SUSPENDED
            self.loop.call_later(opens_in, lambda: setattr(coin, "trading", Trading.ON))
        seen = dict.fromkeys(("listed_at", "observed_at", "published_at", "deduplicated_at"), now)
        listing = a_listing(
            **seen, symbol=coin.symbol, base_asset=asset, price=coin.price, rules=RULES, opens_at=opens_at
        )
        self.listings[listing.key] = listing
        self.bus.announce(listing)
        return listing

    async def configure(self, assignments: str) -> None:
        async with self.database.connection() as connection:
            await connection.execute(f"UPDATE trade_config SET {assignments}, updated_at = now()")
        await self.see_halts()

    async def wish(self, table: str, key: str) -> None:
        """Let an operator ask for the end of a position: in close_requests or write_offs."""
        column, value = ("", "") if table == "close_requests" else (", reason", ", 'test'")
        async with self.database.connection() as connection:
            await connection.execute(
                f"INSERT INTO {table} (listing_key, mode, requested_by{column}) VALUES ($1, 'live', 'test'{value})"
                " ON CONFLICT DO NOTHING",
                key,
            )

    async def set_exits(self, **exits: Any) -> None:
        """Let an operator choose when positions are sold."""
        await configure_exits(self.database, **exits)

    async def set_own_exits(self, key: str, own: Mapping[str, object], follow: Collection[str] = ()) -> None:
        """Let an operator give a position exits of its own, where it is held."""
        with suppress(NoSuchPositionError):
            for position in await held_positions.find_held(self.database, key, Mode.LIVE, sellable=False):
                await position_exits.change(self.database, position, ExitChange(own, follow), changed_by="test")

    async def end_live_trading_in(self, seconds: float) -> None:
        """Let live trading end by itself, by the exchange's time of now."""
        async with self.database.connection() as connection:
            until = self.now_of_exchange() + timedelta(seconds=seconds)
            await connection.execute("UPDATE trade_config SET auto_trade_until = $1 WHERE auto_trade", until)

    async def halt_and_sell(self) -> None:
        """Let an operator halt and sell everything."""
        await trade_config.halt_and_sell(self.database, "drill", changed_by="test")
        await self.see_halts()

    # The end.

    async def heal(self) -> None:
        """Let everything be well, and then every price fall; check that all is known and sold."""
        exchange = self.exchange
        exchange.fates.clear()
        exchange.is_down, exchange.limited_until, exchange.drift = False, 0.0, 0.0
        for coin in exchange.coins.values():
            coin.trading, coin.spread, coin.refuses_sales = Trading.ON, Decimal("0.002"), None
            coin.show(None, 0)
        await self.configure(RESUME)
        await self.set_exits(**POLICY)
        for key in self.listings:
            await self.set_own_exits(key, {}, exit_policy.FIELDS)
        await self.advance(0.1)
        await self._until_settled(180)
        await self.check()
        for coin in exchange.coins.values():
            coin.move(coin.price / 2, Decimal("0.002"))
        fell_at = self.loop.time()
        while (held := self._to_be_sold(await self.books())) and self.loop.time() - fell_at < SOLD_WITHIN_SECONDS:
            await self.advance(0.5)
        assert not held, f"not sold within {SOLD_WITHIN_SECONDS} s of a stop: {await self.story(held)}"
        await self.advance(3)
        await self.check()
        await self._check_end()
        await self.check_results()

    async def _until_settled(self, seconds_max: float) -> None:
        """Wait until no order is in doubt; those that are by then have to be an alarm."""
        begun_at, at_large = self.loop.time(), list[Record]()
        while self.loop.time() - begun_at < seconds_max:
            await self.advance(5)
            at_large = [each for each in (await self.books()).orders.values() if each["state"] in AT_LARGE]
            hidden = [each for each in self.exchange.ledger.entries if self.is_late(each)]
            if not at_large and self.loop.time() - begun_at > (130 if hidden else 15):
                return
        assert all(each["attention"] for each in at_large), f"nobody is told of {[dict(each) for each in at_large]}"
        # Where coins were taken away meanwhile, nothing shows whether they were sold: a person has to say so.
        unsettled = [dict(each) for each in at_large if each["base_asset"] not in self.taken_by_hand]
        assert not unsettled, f"still in doubt: {await self.story({each['listing_key'] for each in unsettled})}"

    async def story(self, keys: Collection[str]) -> str:
        """Return what is known of these listings, for a person to read."""
        books, lines = await self.books(), [""]
        for key in keys:
            coin = self.exchange.coins[self.listings[key].symbol]
            lines += [repr(coin), f"{self.exchange.ledger.held(coin.asset)} are there"]
            lines += [
                f"{row['side']} {row['sequence']} {row['state']} {row['mode']} at {row['decided_at']:%M:%S.%f} of"
                f" {row['base_qty']} for {row['exit_reason']}: got {row['executed_qty']} {row['fees']} since"
                f" {row['error_reason']}, {row['attention']}"
                for row in books.orders.values()
                if row["listing_key"] == key
            ]
            lines += [
                f"{each.sent.side} {each.sent.client_order_id} took {each.executed} of {each.sent.quantity} at"
                f" {each.taken_at:.3f}, shown at {each.shown_at:.3f}, not by {sorted(each.hidden_by)} {each.word}"
                f" working {each.working}"
                for each in self.exchange.ledger.entries
                if each.coin is coin
            ]
            position = books.positions.get((key, "live"))
            kept = ("state", "base_qty", "cost_usdt", "note", "stop_reference", "peak_price", "average_price")
            lines += ["no position" if position is None else repr({name: position[name] for name in kept})]
        lines += [f"now {self.loop.time():.3f} health {[(n, h.status, h.detail) for n, h in self.bus.health.items()]}"]
        return "\n".join(lines)

    def _to_be_sold(self, books: Books) -> list[str]:
        open_ones = [each for each in books.positions.values() if each["state"] in {"open", "closing", "unsellable"}]
        return [
            each["listing_key"]
            for each in open_ones
            if each["base_asset"] not in self.taken_by_hand and each["base_qty"] * each["average_price"] / 2 > 2
        ]

    async def _check_end(self) -> None:
        books = await self.books()
        at_exchange = {each.sent.client_order_id: each for each in self.exchange.ledger.entries if each.trades}
        in_books = {
            name: each for name, each in books.sent_as.items() if each["mode"] == "live" and each["executed_qty"]
        }
        assert in_books.keys() == at_exchange.keys()
        for name, entry in at_exchange.items():
            assert (in_books[name]["executed_qty"], in_books[name]["cost"]) == (entry.executed, entry.value)
        for key, listing in self.listings.items():
            position = books.positions.get((key, "live"))
            if listing.base_asset in self.taken_by_hand or (position and position["state"] == "written_off"):
                continue
            held = Decimal(0) if position is None else position["base_qty"]
            there = self.exchange.ledger.held(listing.base_asset)
            assert abs(held - there) <= CENT, f"{there} of {listing.base_asset} are there, {held} in the books"
