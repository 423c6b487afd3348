"""The venue's coins, and the visibility of newcomers."""

import json

from bench.exchange.market import Market
from ingest.streams.ticker_stream import items_in, names_in


def symbols_in(frame: bytes) -> set[str]:
    return names_in(items_in(frame))


def test_newcomer_is_one_of_the_coins_in_its_frame() -> None:
    symbols = symbols_in(Market(200).frame("NEWUSDT", changed=50))

    assert "NEWUSDT" in symbols
    assert len(symbols) == 50


def test_all_but_the_newcomer_are_in_both_rest_answers() -> None:
    market = Market(200)
    others = symbols_in(market.frame("NEWUSDT", changed=50)) - {"NEWUSDT"}
    bodies = market.bodies()
    names = set(json.loads(bodies["/api/v3/defaultSymbols"])["data"])
    described = {each["symbol"] for each in json.loads(bodies["/api/v3/exchangeInfo"])["symbols"]}

    assert names == described
    assert others < names
    assert "NEWUSDT" not in names


def test_a_frame_of_all_coins_holds_each_of_them_once() -> None:
    assert len(symbols_in(Market(300).frame(changed=300))) == 300


def test_a_newcomer_is_in_the_list_of_names_once_it_is_listed() -> None:
    market = Market(200)
    market.frame("NEWUSDT", changed=50)
    market.list_newcomers()

    assert "NEWUSDT" in json.loads(market.names())["data"]
