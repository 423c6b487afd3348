"""Effects of faults on an answer."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import msgspec

from simulator.market.error_responses import ErrorResponse
from simulator.reply import Reply

Levels = tuple[tuple[str, str], ...]
"""Prices and quantities as shown, best first."""
VIEWS = ("client_id", "order_id", "open_orders", "all_orders", "my_trades", "cancel")
"""Every look-up of an order, and its cancellation."""
# A field of bookTicker, and where depth has it: the side, and the place within its best level.
_PLACES: Mapping[str, tuple[str, int]] = {
    "bidPrice": ("bids", 0),
    "bidQty": ("bids", 1),
    "askPrice": ("asks", 0),
    "askQty": ("asks", 1),
}


@dataclass(frozen=True, slots=True)
class FaultOptions:
    """Options of all kinds of faults; each kind names those it reads. Symbol and side select requests for any kind."""

    symbol: str | None = None
    side: str | None = None
    seconds: float | None = 1.0  # None: for ever
    status: int = 503
    accept: bool = False
    code: int | None = None
    message: str = "simulated failure"
    body: str | None = None
    retry_after: str | None = None
    retry_after_in: float | None = None
    fraction: float = 0.1
    extra: int = 100
    size_bytes: int = 2 * 1024 * 1024
    views: tuple[str, ...] = VIEWS
    word: str = "CANCELED"
    bids: Levels | None = None
    asks: Levels | None = None
    field: str = "bidPrice"
    column: str = "commission"
    value: str | float | None = "NaN"
    missing: bool = False

    @property
    def duration_seconds(self) -> float:
        """The seconds; for ever is a duration longer than any run."""
        return 10**9 if self.seconds is None else self.seconds


def status(options: FaultOptions, reply: Reply) -> Reply:
    code = options.status if options.code is None else options.code
    body = (
        msgspec.json.encode({"code": code, "msg": options.message}) if options.body is None else options.body.encode()
    )
    return _with_retry_after(options, replace(reply, status=options.status, body=body))


def redirect(options: FaultOptions, reply: Reply) -> Reply:
    return replace(reply, status=options.status, body=b"", redirects=True)


def api_error(options: FaultOptions, reply: Reply) -> Reply:
    refused = Reply.from_error(ErrorResponse(options.code or 0, options.message))
    return _with_retry_after(options, replace(reply, status=refused.status, body=refused.body))


def _with_retry_after(options: FaultOptions, reply: Reply) -> Reply:
    return replace(reply, retry_after=options.retry_after, retry_after_date_in=options.retry_after_in)


def keep_fraction(options: FaultOptions, reply: Reply) -> Reply:
    info = msgspec.json.decode(reply.body, type=dict[str, object])
    symbols = info.get("symbols")
    if isinstance(symbols, list):
        info["symbols"] = symbols[: int(len(symbols) * options.fraction)]
    return replace(reply, body=msgspec.json.encode(info))


def add_symbols(options: FaultOptions, reply: Reply) -> Reply:
    info = msgspec.json.decode(reply.body, type=dict[str, object])
    symbols = info.get("symbols")
    if isinstance(symbols, list) and symbols:
        names = [f"GHOST{number}" for number in range(options.extra)]
        symbols += [symbols[0] | {"symbol": f"{name}USDT", "baseAsset": name} for name in names]
    return replace(reply, body=msgspec.json.encode(info))


def html(_: FaultOptions, reply: Reply) -> Reply:
    page = b"<html><head><title>Access Denied</title></head><body>Reference #18.2d3e</body></html>"
    return replace(reply, body=page, content_type="text/html")


def replace_book(options: FaultOptions, reply: Reply) -> Reply:
    """Replace the book: all levels in depth, the best in bookTicker."""
    sides = {name: levels for name, levels in (("bids", options.bids), ("asks", options.asks)) if levels is not None}

    def spoil(book: dict[str, object]) -> None:
        if "bids" in book:
            book.update(sides)
            return
        for field, (side, place) in _PLACES.items():
            if side in sides:
                book[field] = sides[side][0][place] if sides[side] else "0"

    return _with_book(options, reply, spoil)


def corrupt_book(options: FaultOptions, reply: Reply) -> Reply:
    """Replace or remove one field of the best level."""
    side, place = _PLACES[options.field]

    def spoil(book: dict[str, object]) -> None:
        if options.field not in book:
            book[side] = _bad_levels(book.get(side), options, place)
        elif options.missing:
            del book[options.field]
        else:
            book[options.field] = options.value

    return _with_book(options, reply, spoil)


def corrupt_rows(options: FaultOptions, reply: Reply) -> Reply:
    """Replace or remove one field of each row of an answer: of a list, of the lists in an object, or of the object."""
    if reply.status != 200:
        return reply
    shown = msgspec.json.decode(reply.body)
    for row in _rows(shown):
        if options.missing:
            row.pop(options.column, None)
        elif options.column in row:
            row[options.column] = options.value
    return replace(reply, body=msgspec.json.encode(shown))


def _rows(shown: object) -> Iterator[dict[str, object]]:
    if isinstance(shown, dict):
        yield shown
    for each in shown.values() if isinstance(shown, dict) else [shown]:
        if isinstance(each, list):
            yield from (row for row in each if isinstance(row, dict))


def _bad_levels(levels: object, options: FaultOptions, place: int) -> list[object]:
    best, *others = levels if isinstance(levels, list) and levels else [["1", "1"]]
    bad = [text for at, text in enumerate(best) if at != place]
    if not options.missing:
        bad.insert(place, options.value)
    return [bad, *others]


def _with_book(options: FaultOptions, reply: Reply, spoil: Callable[[dict[str, object]], None]) -> Reply:
    """Apply *spoil* to the book of the fault's symbol, in an answer for one or all; without a symbol, to every book."""
    if reply.status != 200:
        return reply
    shown = msgspec.json.decode(reply.body)
    for book in shown if isinstance(shown, list) else [shown]:
        if options.symbol is None or book.get("symbol", options.symbol) == options.symbol:
            spoil(book)
    return replace(reply, body=msgspec.json.encode(shown))
