"""Public endpoints, as functions from the exchange and the parameters to a body."""

from collections.abc import Callable
from itertools import islice

from simulator.exchange import Exchange
from simulator.market import error_responses
from simulator.market.book import NOTHING, Side
from simulator.market.error_responses import RefusedError
from simulator.market.price import Trade, day_ticker, last_price, trades_between
from simulator.rest.params import Params
from simulator.symbols import DAY_MS, Instrument, plain, truncate


def ping(_: Exchange, __: Params, ___: int) -> object:
    return {}


def server_time(exchange: Exchange, _: Params, __: int) -> object:
    return {"serverTime": exchange.server_ms()}


def exchange_info(exchange: Exchange, params: Params, now_ms: int) -> bytes:
    named = params.text("symbol") or params.text("symbols")
    if not named:
        return exchange.info.body(now_ms, exchange.server_ms())
    wanted = [exchange.market.instrument(symbol, now_ms) for symbol in named.split(",")]
    return exchange.info.body_of(wanted, now_ms, exchange.server_ms())


def default_symbols(exchange: Exchange, _: Params, now_ms: int) -> object:
    tradable = exchange.market.catalogue.all_tradable(now_ms)
    return {"code": 200, "data": [each.symbol for each in tradable if each.api_open(now_ms)], "msg": None}


def offline(exchange: Exchange, _: Params, now_ms: int) -> object:
    suspended, gone = exchange.market.catalogue.offline(now_ms)
    paused: list[object] = [{"symbol": each.symbol, "state": 2} for each in suspended]
    return {"data": paused + [{"symbol": each.symbol, "state": 3, "offlineTime": each.offline_ms} for each in gone]}


def depth(exchange: Exchange, params: Params, now_ms: int) -> object:
    instrument = _instrument(exchange, params, now_ms)
    limit = params.whole("limit", 100, 5_000)
    sides = {
        name: [
            [plain(level.price), plain(level.quantity)]
            for level in islice(exchange.market.levels(instrument, side, now_ms), limit)
        ]
        for name, side in (("bids", Side.BUY), ("asks", Side.SELL))
    }
    return {"lastUpdateId": now_ms, **sides, "timestamp": exchange.server_ms()}


def trades(exchange: Exchange, params: Params, now_ms: int) -> object:
    instrument = _instrument(exchange, params, now_ms)
    limit = params.whole("limit", 500, 1_000)
    newest_first = list(trades_between(instrument, now_ms - limit * instrument.pace_ms, now_ms))[::-1]
    return [_trade_row(each) for each in newest_first] if instrument.tradable(now_ms) else []


def ticker_price(exchange: Exchange, params: Params, now_ms: int) -> object:
    return _one_or_all(
        exchange, params, lambda each: {"symbol": each.symbol, "price": plain(last_price(each, now_ms))}, now_ms
    )


def ticker_book(exchange: Exchange, params: Params, now_ms: int) -> object:
    return _one_or_all(exchange, params, lambda each: {"symbol": each.symbol} | _best(exchange, each, now_ms), now_ms)


def ticker_day(exchange: Exchange, params: Params, now_ms: int) -> object:
    return _one_or_all(exchange, params, lambda each: _day_row(exchange, each, now_ms), now_ms)


def announcements(exchange: Exchange, params: Params, now_ms: int) -> object:
    """Answer the listings of the last thirty days and those announced, newest first."""
    limit = params.whole("limit", 20, 100)
    page = params.whole("page", 1, 1_000)
    language = params.text("language") or "en-US"
    recent = exchange.market.catalogue.opening_after(now_ms - 30 * DAY_MS)[::-1]
    details = [
        {
            "title": f"MEXC Will List {each.full_name} ({each.base})",
            "url": f"https://www.mexc.com/announcements/article/{each.base.lower()}",
            "language": language,
            "postTime": min(each.listed_at_ms, now_ms),
        }
        for each in recent[(page - 1) * limit : page * limit]
    ]
    return {"code": 0, "data": [{"details": details, "totalPage": str(-(-len(recent) // limit))}], "msg": ""}


def calendar(exchange: Exchange, _: Params, now_ms: int) -> object:
    """Answer the coins yet to open, and those that opened in the last thirty days."""
    coins = [
        {
            "vcoinId": f"{each.base}-{each.first_open_time_ms}",
            "vcoinName": each.base,
            "vcoinNameFull": each.full_name,
            "firstOpenTime": each.first_open_time_ms,
            "zone": "NEW",
        }
        for each in exchange.market.catalogue.opening_after(now_ms - 30 * DAY_MS)
    ]
    return {"data": {"newCoins": coins}}


def _instrument(exchange: Exchange, params: Params, now_ms: int) -> Instrument:
    return exchange.market.instrument(params.required("symbol"), now_ms)


def _one_or_all(exchange: Exchange, params: Params, row: Callable[[Instrument], object], now_ms: int) -> object:
    symbol = params.text("symbol")
    if not symbol:
        return [row(each) for each in exchange.market.catalogue.all_tradable(now_ms)]
    instrument = exchange.market.instrument(symbol, now_ms)
    if not instrument.tradable(now_ms):
        raise RefusedError(error_responses.SYMBOL_INVALID)
    return row(instrument)


def _best(exchange: Exchange, instrument: Instrument, now_ms: int) -> dict[str, str]:
    bid = next(exchange.market.levels(instrument, Side.BUY, now_ms), NOTHING)
    ask = next(exchange.market.levels(instrument, Side.SELL, now_ms), NOTHING)
    return {
        "bidPrice": plain(bid.price),
        "bidQty": plain(bid.quantity),
        "askPrice": plain(ask.price),
        "askQty": plain(ask.quantity),
    }


def _day_row(exchange: Exchange, instrument: Instrument, now_ms: int) -> dict[str, object]:
    of_day = day_ticker(instrument, now_ms)
    return {
        "symbol": instrument.symbol,
        "priceChange": plain(of_day.last - of_day.opening),
        "priceChangePercent": plain(truncate(of_day.change, 4)),
        "prevClosePrice": plain(of_day.opening),
        "lastPrice": plain(of_day.last),
        **_best(exchange, instrument, now_ms),
        "openPrice": plain(of_day.opening),
        "highPrice": plain(of_day.high),
        "lowPrice": plain(of_day.low),
        "volume": plain(of_day.volume),
        "quoteVolume": plain(of_day.turnover),
        "openTime": now_ms - DAY_MS,
        "closeTime": now_ms,
        "count": None,
    }


def _trade_row(trade: Trade) -> dict[str, object]:
    return {
        "id": None,
        "price": plain(trade.price),
        "qty": plain(trade.quantity),
        "quoteQty": plain(trade.price * trade.quantity),
        "time": trade.time_ms,
        "isBuyerMaker": not trade.is_buy,
        "isBestMatch": True,
        "tradeType": "BID" if trade.is_buy else "ASK",
    }
