"""Invariants of the exchange's ledger and the books, whatever the exchange has done."""

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

Row = Mapping[str, Any]


def one_order_of_each_listing(entries: Iterable[Row]) -> None:
    """Assert that no client id, and no listing, made two orders."""
    accepted = [each for each in entries if each["accepted"]]
    names = Counter(each["client_order_id"] for each in accepted)
    assert [name for name, count in names.items() if count > 1] == [], "more than one order under one name"
    filled = Counter(each["symbol"] for each in accepted if each["side"] == "BUY" and each["fills"])
    assert [symbol for symbol, count in filled.items() if count > 1] == [], "bought more than once"


def coins_are_those_of_the_ledger(entries: Iterable[Row], positions: Iterable[Row]) -> None:
    """Assert that the positions hold what was bought and not sold, to the last digit."""
    held: dict[str, Decimal] = {}
    for entry in entries:
        for fill in entry["fills"]:
            held[entry["symbol"]] = held.get(entry["symbol"], Decimal(0)) + _coins(fill, entry["side"])
    booked = {each["symbol"]: each["base_qty"] for each in positions}
    assert {symbol: coins for symbol, coins in held.items() if coins} == {
        symbol: coins for symbol, coins in booked.items() if coins
    }, "the books and the ledger differ"


def _coins(fill: Row, side: str) -> Decimal:
    """What a fill adds to the coins held, net of a fee that was taken from them."""
    if side == "SELL":
        return -Decimal(fill["qty"])
    paid_in_coins = fill["symbol"].startswith(fill["commissionAsset"])
    return Decimal(fill["qty"]) - (Decimal(fill["commission"]) if paid_in_coins else 0)
