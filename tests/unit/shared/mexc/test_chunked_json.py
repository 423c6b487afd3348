"""Answers read in pieces say what they say as a whole."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.mexc.chunked_json import CHUNK_BYTES, DESCRIPTIONS, NAMES, chunks_of, is_unchanged
from shared.mexc.errors import ExchangeUnavailable
from shared.mexc.http.request import decode
from shared.mexc.symbol_payloads import DefaultSymbols, ExchangeInfo
from tests.support.data.strategies import json_values, steady

PADDING = "x" * 500
MANY = 400
"""Described symbols that take several pieces."""


def an_entry(number: int, **more: Any) -> dict[str, Any]:
    return {"symbol": f"A{number}USDT", "fullName": PADDING, **more}


def body_of(*entries: Any, before: Any = None, after: Any = None) -> bytes:
    answer = {"serverTime": 1, "rateLimits": before, "symbols": list(entries), "more": after}
    return json.dumps(answer, separators=(",", ":")).encode()


def segments_of(body: bytes, size: int) -> list[bytes]:
    return [body[start : start + size] for start in range(0, len(body), size)]


def read(body: bytes, segment_bytes: int = 100_000) -> list[bytes]:
    """The entries as they were sent, each once."""
    pieces = chunks_of(segments_of(body, segment_bytes), DESCRIPTIONS)
    return list(dict.fromkeys(bytes(entry) for piece in pieces for entry in piece))


def read_at_once(body: bytes) -> list[bytes]:
    return list(dict.fromkeys(bytes(entry) for entry in decode(body, ExchangeInfo).symbols))


@pytest.mark.parametrize("segment_bytes", [1_000, CHUNK_BYTES - 1, CHUNK_BYTES, 1_000_000])
def test_pieces_hold_every_entry_however_the_answer_arrived(segment_bytes: int) -> None:
    body = body_of(*(an_entry(number) for number in range(MANY)))

    pieces = list(chunks_of(segments_of(body, segment_bytes), DESCRIPTIONS))

    assert len(pieces) > 2
    assert [bytes(entry) for piece in pieces for entry in piece] == read_at_once(body)


def test_no_piece_is_much_larger_than_it_should_be() -> None:
    body = body_of(*(an_entry(number) for number in range(MANY)))

    sizes = [sum(len(bytes(entry)) for entry in piece) for piece in chunks_of([body], DESCRIPTIONS)]

    assert max(sizes) < CHUNK_BYTES + 1_000


@steady
@given(st.lists(json_values, max_size=5), json_values, json_values)
def test_whatever_stands_in_or_about_the_entries_reads_as_it_does_at_once(
    odd: list[Any], before: Any, after: Any
) -> None:
    seams = [an_entry(number, filters=[{"a": 1}, {"symbol": '},{"symbol":"NO'}]) for number in range(150)]
    body = body_of(*odd, *seams, *odd, before=before, after=after)

    assert read(body) == read_at_once(body)


@pytest.mark.parametrize("place", ["before", "after"])
def test_seams_of_another_array_are_none(place: str) -> None:
    others = [an_entry(number) for number in range(MANY)]
    body = body_of(*(an_entry(number) for number in range(1000, 1000 + MANY)), **{place: others})

    assert read(body) == read_at_once(body)


def test_answer_that_is_spaced_out_is_read_as_a_whole() -> None:
    body = json.dumps({"symbols": [an_entry(number) for number in range(MANY)]}).encode()

    assert len(read(body)) == MANY


@pytest.mark.parametrize("cut", [1, 2, 300, 70_000, 150_000])
def test_answer_that_breaks_off_is_none(cut: int) -> None:
    body = body_of(*(an_entry(number) for number in range(MANY)))

    with pytest.raises(ExchangeUnavailable):
        read(body[:-cut])


def test_names_come_in_pieces_too() -> None:
    names = [f"A{number}USDT" for number in range(20_000)]
    body = json.dumps({"code": 200, "data": names, "msg": None}, separators=(",", ":")).encode()

    pieces = list(chunks_of(segments_of(body, 100_000), NAMES))

    assert len(pieces) > 2
    assert frozenset[str]().union(*pieces) == set(names)
    assert msgspec.json.decode(body, type=DefaultSymbols).data == set(names)


async def test_answers_are_the_same_where_only_what_comes_before_their_array_differs() -> None:
    one = segments_of(b'{"serverTime":1,"symbols":[{"symbol":"A"}]}', 20)
    later = segments_of(b'{"serverTime":2,"symbols":[{"symbol":"A"}]}', 20)
    other = segments_of(b'{"serverTime":1,"symbols":[{"symbol":"B"}]}', 20)
    longer = segments_of(b'{"serverTime":1,"symbols":[{"symbol":"A"}] }', 20)

    assert await is_unchanged([b"".join(one)], [b"".join(later)], DESCRIPTIONS)
    assert not await is_unchanged([b"".join(one)], [b"".join(other)], DESCRIPTIONS)
    assert not await is_unchanged([b"".join(one)], [b"".join(longer)], DESCRIPTIONS)
    assert not await is_unchanged([b"".join(one)], [], DESCRIPTIONS)
    assert not await is_unchanged([b"{}"], [b"{}"], DESCRIPTIONS)
