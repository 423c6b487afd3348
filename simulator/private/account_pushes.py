"""Pushes of the private stream, with the faults that swallow, repeat, reorder or falsify them."""

from collections.abc import Collection, Iterator

from simulator.exchange import Exchange
from simulator.faults.kind import WEBSOCKET
from simulator.faults.registry import FaultTarget
from simulator.market.account_events import AccountEvent
from simulator.private.account_frames import account_frame, feed_of, order_of
from simulator.private.false_events import falsified
from simulator.stream.channels import Feed

Push = tuple[Feed, bytes]


class AccountPushes:
    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._delayed: list[Push] = []

    def take(self, wanted: Collection[Feed]) -> list[Push]:
        """Return the pushes of all events until now that have a subscriber, in the order to send them."""
        pushes: list[Push] = []
        for event in self._exchange.market.wallet.events.take():
            if feed_of(event) in wanted:
                pushes += self._pushes(event)
        return pushes

    def _pushes(self, event: AccountEvent) -> Iterator[Push]:
        faults, order = self._exchange.faults, order_of(event)
        target = FaultTarget(order.request.symbol, order.request.side) if order else FaultTarget()
        if faults.active("ws_private_silence") or faults.take("ws_private_gap", WEBSOCKET, target):
            return
        shown = falsified(event) if faults.take("ws_private_lie", WEBSOCKET, target) else event
        push = feed_of(event), account_frame(shown, self._exchange.server_ms())
        if faults.take("ws_private_reorder", WEBSOCKET, target):
            self._delayed.append(push)
            return
        yield push
        if faults.take("ws_private_duplicate", WEBSOCKET, target):
            yield push
        yield from self._delayed
        self._delayed.clear()
