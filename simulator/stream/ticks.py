"""Pushes of one symbol as a control request scripts them: whatever they hold, they are sent."""

from pydantic import BaseModel, ConfigDict, Field

from shared.mexc import wire_pb2
from simulator.stream.channels import Feed


class Tick(BaseModel):
    """One push: of trades where *deals* are given, else of best prices. Texts are sent as they are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bid: tuple[str, str] = ("", "")
    ask: tuple[str, str] = ("", "")
    deals: tuple[tuple[str, str], ...] = ()
    version: str = ""
    created_ms: int | None = None
    sent_ms: int | None = Field(None, description="the exchange's time unless given")
    named: str | None = Field(None, description="symbol in the push; that of its channel unless given")
    raw: str | None = Field(None, description="the whole frame, in hexadecimal digits")

    @property
    def feed(self) -> Feed:
        return Feed.DEALS if self.deals else Feed.BOOK_TICKER

    def frame(self, channel: str, symbol: str, now_ms: int) -> bytes:
        """Build the frame of this push."""
        if self.raw is not None:
            return bytes.fromhex(self.raw)
        push = wire_pb2.PushDataV3ApiWrapper(channel=channel, symbol=self.named or symbol)
        push.sendTime = now_ms if self.sent_ms is None else self.sent_ms
        if self.created_ms is not None:
            push.createTime = self.created_ms
        if self.deals:
            for price, quantity in self.deals:
                push.publicAggreDeals.deals.add(price=price, quantity=quantity, tradeType=2, time=push.sendTime)
        else:
            quote = push.publicAggreBookTicker
            (quote.bidPrice, quote.bidQuantity), (quote.askPrice, quote.askQuantity) = self.bid, self.ask
            quote.version = self.version
        return push.SerializeToString()


class Ticks(BaseModel):
    """Pushes in their order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ticks: tuple[Tick, ...] = ()
