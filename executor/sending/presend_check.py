"""Final pre-send check of every order, right before a byte of it: halts, auto_trade, deadline; the exchange's time."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final

from executor.decisions.freshness import AgeSettings, KnownOpenings
from executor.halts.halt_watch import Halts
from executor.model import Order, OrderEvent, OrderUpdate, Reason, Refusal
from shared.events import Mode, Side
from shared.mexc.errors import ClockUncertainError

_NEAR_SECONDS: Final = 0.003
"""Timers come up to a millisecond or two late; this close to the moment the loop is watched instead."""


class ExchangeTime:
    """The exchange's clock, and ours where the exchange's is not known."""

    def __init__(self, exchange_ms: Callable[[], int], *, now: Callable[[], datetime]) -> None:
        self._exchange_ms = exchange_ms
        self._now = now

    def now_ms(self) -> int:
        try:
            return self._exchange_ms()
        except ClockUncertainError:
            return milliseconds(self._now())

    def is_known(self) -> bool:
        """Return whether it is the exchange's."""
        try:
            self._exchange_ms()
        except ClockUncertainError:
            return False
        return True

    async def reach(self, at_ms: int) -> None:
        """Return at *at_ms*, never before it."""
        while (left := (at_ms - self.now_ms()) / 1000) > 0:  # noqa: ASYNC110 - time has no event
            # The other tasks of the loop run in each turn, so watching it delays none of them.
            await asyncio.sleep(left - _NEAR_SECONDS if left > _NEAR_SECONDS else 0)


def milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


class PresendCheck:
    def __init__(
        self, halts: Halts, openings: KnownOpenings, ages: AgeSettings, *, now: Callable[[], datetime]
    ) -> None:
        self._halts = halts
        self._ages = ages
        self._openings = openings
        self._now = now

    def objection(self, order: Order) -> OrderUpdate | None:
        """Return what *order* comes to where it may not be sent now."""
        halted = self._halts.buys_halted(order.mode) if order.side is Side.BUY else self._halts.exits_halted()
        if halted:
            return OrderUpdate(OrderEvent.DENIED, Refusal(Reason.HALTED, halted))
        config = order.config
        if (
            (config.auto_trade_until is not None or self._halts.config_changed_at > config.updated_at)
            and (order.mode is Mode.LIVE and order.side is Side.BUY)
            and (ended := self._halts.live_ended(config, self._now()))
        ):
            return OrderUpdate(OrderEvent.DENIED, Refusal(Reason.NOT_LIVE, ended))
        # Openings learned since the request was made count: an answer may have come late, or along with another.
        if order.listing.symbol in self._openings.by_symbol and order.side is Side.BUY:
            old = self._openings.refusal_if_too_old(order.listing, self._ages, self._now())
            if old is not None:
                return OrderUpdate(OrderEvent.DENIED, old)
        # A process that was suspended in between must not send what others may take for absent by now.
        if self._now() > order.send_until:
            return OrderUpdate(OrderEvent.LAPSED, Refusal(order.reason_if_late))
        return None
