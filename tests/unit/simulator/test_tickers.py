"""Mini tickers: changes, and frames of cached items."""

from decimal import Decimal

from shared.mexc import wire_pb2
from simulator.stream.frames import repeated_item, ticker_item, tickers_frame
from simulator.stream.tickers import TickerBoard
from simulator.symbols.catalogue import Catalogue
from tests.support.data.markets import NOW_MS, an_instrument

CHANNEL = "spot@public.miniTickers.v3.api.pb@UTC+8"


def symbols(items: list[bytes]) -> list[str]:
    frame = wire_pb2.TickerFrame.FromString(tickers_frame(CHANNEL, items, NOW_MS))
    return sorted(item.symbol for item in frame.tickers.items)


def test_frame_of_cached_items_is_the_frame_protobuf_would_write() -> None:
    items = [ticker_item(an_instrument(symbol=f"C{number}USDT"), NOW_MS) for number in range(200)]
    whole = wire_pb2.PushDataV3ApiWrapper(channel=CHANNEL, sendTime=NOW_MS)
    whole.publicMiniTickers.items.extend(items)

    assert wire_pb2.PushDataV3ApiWrapper.FromString(tickers_frame(CHANNEL, map(repeated_item, items), NOW_MS)) == whole


def test_first_look_shows_everything_that_trades() -> None:
    board = TickerBoard(Catalogue([an_instrument(), an_instrument(symbol="LATERUSDT", opens_at_ms=NOW_MS + 1)]))

    assert symbols(board.refresh(NOW_MS)) == ["ABCUSDT"]


def test_later_looks_show_only_what_has_moved() -> None:
    quick, slow = an_instrument(symbol="QUICKUSDT"), an_instrument(symbol="SLOWUSDT", pace_ms=60_000)
    board = TickerBoard(Catalogue([quick, slow]))
    board.refresh(NOW_MS)

    assert board.refresh(NOW_MS + 500) == []
    assert symbols(board.refresh(NOW_MS + 1_000)) == ["QUICKUSDT"]
    assert symbols(list(board.items.values())) == ["QUICKUSDT", "SLOWUSDT"]


def test_newcomer_shows_once_it_opens() -> None:
    catalogue = Catalogue([an_instrument(pace_ms=60_000)])
    board = TickerBoard(catalogue)
    board.refresh(NOW_MS)
    catalogue.put(an_instrument(symbol="NEWUSDT", listed_at_ms=NOW_MS, opens_at_ms=NOW_MS + 1_000))

    assert board.refresh(NOW_MS + 999) == []
    assert symbols(board.refresh(NOW_MS + 1_000)) == ["NEWUSDT"]


def test_repriced_symbol_shows_its_new_price_at_once() -> None:
    catalogue = Catalogue([an_instrument(pace_ms=60_000)])
    board = TickerBoard(catalogue)
    board.refresh(NOW_MS)
    catalogue.put(an_instrument(pace_ms=60_000, price=Decimal(7)))

    [item] = board.refresh(NOW_MS + 1)

    frame = wire_pb2.TickerFrame.FromString(tickers_frame(CHANNEL, [item], NOW_MS))
    assert frame.tickers.items[0].price == "7"


def test_delisted_and_suspended_symbols_leave_the_full_frame() -> None:
    catalogue = Catalogue([an_instrument(), an_instrument(symbol="GONEUSDT"), an_instrument(symbol="PAUSEUSDT")])
    board = TickerBoard(catalogue)
    board.refresh(NOW_MS)
    catalogue.remove("GONEUSDT", NOW_MS)
    catalogue.put(an_instrument(symbol="PAUSEUSDT", suspended=True))

    board.refresh(NOW_MS + 1)

    assert list(board.items) == ["ABCUSDT"]
