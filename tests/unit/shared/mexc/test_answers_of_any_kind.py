"""Whatever bytes come for an answer, the lists are read or refused: nothing else is raised, and nothing is kept."""

import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.mexc.announcement_payloads import Calendar, Notices, new_coin, notice
from shared.mexc.chunked_json import DESCRIPTIONS, NAMES, chunks_of
from shared.mexc.errors import ExchangeUnavailable
from shared.mexc.http.request import decode
from shared.mexc.payloads import ServerTime, public_trade
from shared.mexc.symbol_payloads import DefaultSymbols, ExchangeInfo, symbol_info
from tests.support.data.strategies import json_values, steady

SHAPES: tuple[type[msgspec.Struct], ...] = (Calendar, DefaultSymbols, ExchangeInfo, Notices, ServerTime)
ENTRIES: tuple[Callable[[msgspec.Raw], object], ...] = (new_coin, notice, public_trade, symbol_info)
NESTED = b"[" * 100_000 + b"]" * 100_000
"""Deeper than anything that reads JSON goes."""
WHOLE = json.dumps(
    {"code": 200, "data": ["AUSDT"], "symbols": [{"symbol": "AUSDT", "status": "1"}]}, separators=(",", ":")
).encode()
GARBAGE = st.binary(max_size=300) | json_values.map(lambda value: json.dumps(value).encode())


def read_as_every_answer(body: bytes) -> None:
    """Raise what is not the refusal of an answer."""
    readers: list[Callable[[], Any]] = [lambda shape=shape: decode(body, shape) for shape in SHAPES]  # type: ignore[misc]
    readers += [lambda: list(chunks_of([body], NAMES)), lambda: list(chunks_of([body], DESCRIPTIONS))]
    for read in readers:
        try:
            read()
        except ExchangeUnavailable:
            continue


@steady
@given(GARBAGE)
def test_no_bytes_raise_anything_but_the_refusal_of_an_answer(garbage: bytes) -> None:
    read_as_every_answer(garbage)


@steady
@given(st.integers(0, len(WHOLE)), st.integers(0, len(WHOLE) - 1), st.integers(0, 255))
def test_truncated_and_damaged_answers_are_read_or_refused(cut: int, place: int, value: int) -> None:
    damaged = bytearray(WHOLE)
    damaged[place] = value
    read_as_every_answer(bytes(damaged[: len(damaged) - cut]))


@pytest.mark.parametrize("read", ENTRIES)
@given(entry=GARBAGE)
def test_no_entry_raises_anything(read: Callable[[msgspec.Raw], object], entry: bytes) -> None:
    read(msgspec.Raw(entry))


@pytest.mark.parametrize("shape", SHAPES)
def test_answer_nested_without_end_is_refused(shape: type[msgspec.Struct]) -> None:
    with pytest.raises(ExchangeUnavailable):
        decode(b'{"more":' + NESTED + b"}", shape)


def test_answer_nested_without_end_is_refused_in_pieces_too() -> None:
    with pytest.raises(ExchangeUnavailable):
        list(chunks_of([b'{"more":' + NESTED + b',"data":["AUSDT"]}'], NAMES))
    with pytest.raises(ExchangeUnavailable):
        list(chunks_of([b'{"symbols":[{"symbol":"AUSDT","more":' + NESTED + b"}]}"], DESCRIPTIONS))


@pytest.mark.parametrize("read", ENTRIES)
def test_entry_nested_without_end_is_none(read: Callable[[msgspec.Raw], object]) -> None:
    assert read(msgspec.Raw(b'{"more":' + NESTED + b"}")) is None


def test_thousands_of_bad_answers_leave_nothing_behind() -> None:
    bad = [b"\xff" * 4096, WHOLE[:-1], b'{"data":7}', b"[" * 4096, bytes(4096)]

    def read_all() -> None:
        for body in bad:
            read_as_every_answer(body)

    read_all()
    tracemalloc.start()
    try:
        for _ in range(300):
            read_all()
        kept, _peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert kept < 100_000
