"""What is taken of pushes, and what is not."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.market_streams.push_order import OLD_MAX
from executor.market_streams.stream_quotes import StreamQuotes, Tick
from executor.pricing.valuation import Quote
from shared.mexc import wire_pb2
from shared.mexc.payloads import Level
from shared.mexc.streams.control_frame import FrameError
from shared.mexc.streams.symbol_channels import book_channel
from tests.support.fakes.streams import deals, tickers

SYMBOL = "ABCUSDT"


class Heard:
    """A listener, and what was counted."""

    def __init__(self) -> None:
        self.ticks: list[Tick] = []
        self.trades: list[Decimal] = []
        self.counted: list[str] = []
        self.quotes = StreamQuotes(self.counted.append, lambda: 0.0)
        self.quotes.listener = self
        self.quotes.keep([SYMBOL])

    def quoted(self, symbol: str, tick: Tick) -> None:
        assert symbol == SYMBOL
        self.ticks.append(tick)

    def traded(self, symbol: str, price: Decimal, number: int) -> None:
        assert (symbol, number > 0) == (SYMBOL, True)
        self.trades.append(price)

    async def take(self, *frames: bytes) -> list[str]:
        for frame in frames:
            await self.quotes.take(frame)
        return self.counted


def quote(
    bid: str = "1", ask: str = "1.1", *, version: str = "", sent_ms: int = 0, created_ms: int = 0, symbol: str = SYMBOL
) -> bytes:
    push = wire_pb2.PushDataV3ApiWrapper(channel=book_channel(symbol), symbol=symbol, sendTime=sent_ms)
    push.createTime = created_ms
    body = push.publicAggreBookTicker
    body.bidPrice, body.bidQuantity, body.askPrice, body.askQuantity, body.version = bid, "5", ask, "6", version
    return push.SerializeToString()


async def test_best_prices_are_taken_and_handed_on() -> None:
    heard = Heard()
    await heard.take(quote("0.9", "1"))

    [tick] = heard.ticks
    assert tick.quote == Quote((Level(Decimal("0.9"), Decimal(5)),), (Level(Decimal(1), Decimal(6)),))
    assert heard.quotes.of(SYMBOL) == tick


async def test_trades_are_handed_on_by_the_lowest_of_them() -> None:
    heard = Heard()
    await heard.take(deals(SYMBOL, ("0.9", "1"), ("0.7", "2"), ("0.8", "1")))

    assert heard.trades == [Decimal("0.7")]


@pytest.mark.parametrize(
    ("bid", "ask", "counted"),
    [
        ("NaN", "1", "unreadable"),
        ("-1", "1", "unreadable"),
        ("0", "1", "unreadable"),
        ("1e30", "2e30", "unreadable"),
        ("1e-30", "1", "unreadable"),
        ("one", "1", "unreadable"),
        ("", "1", "empty"),
        ("1", "", "empty"),
        ("1.1", "1", "crossed"),
    ],
)
async def test_dirty_best_prices_are_counted_and_those_before_stand_no_more(bid: str, ask: str, counted: str) -> None:
    heard = Heard()

    assert await heard.take(quote(), quote(bid, ask)) == ["taken", counted]
    assert heard.quotes.of(SYMBOL) is None
    assert len(heard.ticks) == 1


@pytest.mark.parametrize("dirty", [("NaN", "1"), ("0", "1"), ("1", ""), ("1", "-1")])
async def test_dirty_trades_are_counted_and_best_prices_stand(dirty: tuple[str, str]) -> None:
    heard = Heard()

    assert await heard.take(quote(), deals(SYMBOL, dirty)) == ["taken", "no_deal"]
    assert heard.quotes.of(SYMBOL) is not None
    assert heard.trades == []


async def test_trades_of_long_ago_are_none() -> None:
    push = wire_pb2.PushDataV3ApiWrapper.FromString(deals(SYMBOL, ("0.5", "1"), times=[1_000]))
    push.sendTime = 1_000_000

    assert await Heard().take(push.SerializeToString()) == ["no_deal"]


@pytest.mark.parametrize("number", ["version", "sent_ms", "created_ms"])
async def test_push_whose_number_goes_back_is_ignored(number: str) -> None:
    def numbered(value: int, bid: str) -> bytes:
        match number:
            case "version":
                return quote(bid, version=str(value))
            case "sent_ms":
                return quote(bid, sent_ms=value)
            case _:
                return quote(bid, created_ms=value)

    heard = Heard()

    assert await heard.take(numbered(10, "1"), numbered(9, "0.5"), numbered(11, "0.9")) == ["taken", "old", "taken"]
    assert [tick.quote.bids[0].price for tick in heard.ticks] == [1, Decimal("0.9")]


async def test_numbers_that_begin_anew_are_followed_after_a_while() -> None:
    heard = Heard()
    await heard.take(quote(version="1000"), *(quote(version=str(version)) for version in range(OLD_MAX + 3)))

    assert heard.counted.count("old") == OLD_MAX
    assert heard.counted[-3:] == ["taken"] * 3


async def test_push_that_comes_twice_is_taken_once() -> None:
    same = quote(version="7", sent_ms=5)

    heard = Heard()

    assert await heard.take(same, same) == ["taken", "repeated"]
    assert len(heard.ticks) == 1


async def test_push_that_comes_again_after_those_before_were_dropped_stands_and_confirms_nothing() -> None:
    same = quote(version="7", sent_ms=5)
    heard = Heard()
    await heard.take(same)
    heard.quotes.drop(SYMBOL)
    await heard.take(same)

    assert heard.quotes.of(SYMBOL) == heard.ticks[0]
    assert len(heard.ticks) == 1


async def test_push_without_any_number_is_taken_each_time() -> None:
    assert await Heard().take(quote(), quote()) == ["taken", "taken"]


async def test_coin_that_is_not_followed_is_counted_alone() -> None:
    heard = Heard()

    assert await heard.take(quote(symbol="OTHERUSDT")) == ["foreign"]
    assert heard.ticks == []


async def test_push_of_one_coin_in_the_channel_of_another_is_not_believed() -> None:
    push = wire_pb2.PushDataV3ApiWrapper.FromString(quote())
    push.symbol = "OTHERUSDT"
    heard = Heard()

    assert await heard.take(quote(), push.SerializeToString()) == ["taken", "foreign"]
    assert heard.quotes.of(SYMBOL) is None


@pytest.mark.parametrize("frame", [b"\xff" * 64, b"", tickers("ABCUSDT")], ids=["garbage", "nothing", "tickers"])
async def test_frame_of_something_else_is_an_error(frame: bytes) -> None:
    with pytest.raises(FrameError):
        await Heard().take(frame)


@given(st.binary(max_size=60), st.text(max_size=12), st.text(max_size=12))
def test_no_text_and_no_bytes_end_in_another_error(garbage: bytes, bid: str, version: str) -> None:
    heard = Heard()
    for frame in (garbage, quote(bid, version=version), quote(ask=bid)):
        taking = heard.quotes.take(frame)
        try:
            taking.send(None)
        except (FrameError, StopIteration):
            continue
        raise AssertionError("it waited")
