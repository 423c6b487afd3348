"""Binary frames of market data, by the wire schema."""

from collections.abc import Iterable

from shared.mexc import wire_pb2
from simulator.market.book import NOTHING, Level
from simulator.market.price import Trade, day_ticker
from simulator.symbols import Instrument, plain, truncate

_LENGTH_DELIMITED = 2


def ticker_item(instrument: Instrument, now_ms: int) -> "wire_pb2.PublicMiniTickerV3Api":
    of_day = day_ticker(instrument, now_ms)
    change, high, low = plain(truncate(of_day.change, 4)), plain(of_day.high), plain(of_day.low)
    return wire_pb2.PublicMiniTickerV3Api(
        symbol=instrument.symbol,
        price=plain(of_day.last),
        rate=change,
        zonedRate=change,
        high=high,
        low=low,
        volume=plain(of_day.turnover),
        quantity=plain(of_day.volume),
        lastCloseRate=change,
        lastCloseZonedRate=change,
        lastCloseHigh=high,
        lastCloseLow=low,
    )


def repeated_item(item: "wire_pb2.PublicMiniTickerV3Api") -> bytes:
    """Serialise *item* as an element of PublicMiniTickersV3Api.items; elements are then concatenated."""
    return _field(wire_pb2.PublicMiniTickersV3Api.ITEMS_FIELD_NUMBER, item.SerializeToString())


def tickers_frame(channel: str, items: Iterable[bytes], sent_ms: int) -> bytes:
    """Build a mini-tickers frame from serialised items."""
    body = _field(wire_pb2.PushDataV3ApiWrapper.PUBLICMINITICKERS_FIELD_NUMBER, b"".join(items))
    return wire_pb2.PushDataV3ApiWrapper(channel=channel, sendTime=sent_ms).SerializeToString() + body


def ticker_frame(channel: str, item: "wire_pb2.PublicMiniTickerV3Api", sent_ms: int) -> bytes:
    return wire_pb2.PushDataV3ApiWrapper(
        channel=channel, symbol=item.symbol, sendTime=sent_ms, publicMiniTicker=item
    ).SerializeToString()


def deals_frame(channel: str, symbol: str, trades: Iterable[Trade], sent_ms: int) -> bytes:
    frame = wire_pb2.PushDataV3ApiWrapper(channel=channel, symbol=symbol, sendTime=sent_ms)
    frame.publicAggreDeals.eventType = channel.removesuffix(f"@{symbol}")
    for trade in trades:
        frame.publicAggreDeals.deals.add(
            price=plain(trade.price),
            quantity=plain(trade.quantity),
            tradeType=1 if trade.is_buy else 2,
            time=trade.time_ms,
            tradeId=trade.trade_id,
        )
    return frame.SerializeToString()


def book_ticker_frame(channel: str, symbol: str, best: tuple[Level, Level], sent_ms: int) -> bytes:
    """Build a frame of *best*, the best bid and the best ask."""
    bid, ask = best
    frame = wire_pb2.PushDataV3ApiWrapper(channel=channel, symbol=symbol, sendTime=sent_ms)
    quote = frame.publicAggreBookTicker
    if bid is not NOTHING:
        quote.bidPrice, quote.bidQuantity = plain(bid.price), plain(bid.quantity)
    if ask is not NOTHING:
        quote.askPrice, quote.askQuantity = plain(ask.price), plain(ask.quantity)
    quote.version = str(sent_ms)
    return frame.SerializeToString()


def _field(number: int, payload: bytes) -> bytes:
    return _varint(number << 3 | _LENGTH_DELIMITED) + _varint(len(payload)) + payload


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
