"""Symbols and the connections they are assigned to."""

from hypothesis import given
from hypothesis import strategies as st

from shared.mexc.streams.channel_assignment import assigned

SYMBOLS = [f"{letter}USDT" for letter in "ABCDEFGHIJ"]


def test_newcomers_fill_the_first_connections_with_room() -> None:
    before = [frozenset("ab"), frozenset("c"), frozenset[str]()]

    assert assigned(before, "abcdef", places=2) == (frozenset("ab"), frozenset("cd"), frozenset("ef"))


def test_symbol_not_wanted_any_more_frees_its_place() -> None:
    assert assigned([frozenset("ab"), frozenset("c")], "bd", places=2) == (frozenset("bd"), frozenset())


def test_what_finds_no_place_is_left_out() -> None:
    assert assigned([frozenset[str]()], "abc", places=2) == (frozenset("ab"),)


@given(
    st.lists(st.lists(st.sampled_from(SYMBOLS), unique=True, max_size=12), max_size=8),
    st.integers(1, 3),
    st.integers(1, 4),
)
def test_every_wanted_symbol_has_one_place_as_long_as_there_are_enough_and_keeps_it(
    changes: list[list[str]], connections: int, places: int
) -> None:
    seats = (frozenset[str](),) * connections
    for wanted in changes:
        fitting = wanted[: connections * places]
        before, seats = seats, assigned(seats, fitting, places)

        assert sorted(symbol for symbols in seats for symbol in symbols) == sorted(fitting)
        assert all(len(symbols) <= places for symbols in seats)
        for symbols_before, symbols in zip(before, seats, strict=True):
            assert symbols_before.intersection(fitting) <= symbols
