"""Life cycle of a symbol: announced, listed, open, suspended, delisted."""

from simulator.symbols.catalogue import Catalogue
from simulator.symbols.instrument import Phase
from tests.support.data.markets import NOW_MS, an_instrument


def test_phases_follow_the_clock() -> None:
    coin = an_instrument(listed_at_ms=NOW_MS, opens_at_ms=NOW_MS + 1_000, guard_ms=500)

    at = [coin.phase(NOW_MS + offset) for offset in (-1, 0, 999, 1_000, 1_499, 1_500)]

    assert at == [Phase.ANNOUNCED, Phase.PREOPEN, Phase.PREOPEN, Phase.GUARDED, Phase.GUARDED, Phase.OPEN]


def test_announced_symbol_is_not_listed_but_will_open() -> None:
    coin = an_instrument(listed_at_ms=NOW_MS + 1, first_open_time_ms=NOW_MS + 2, opens_at_ms=NOW_MS + 2)
    catalogue = Catalogue([coin])

    assert catalogue.all_listed(NOW_MS) == []
    assert catalogue.opening_after(NOW_MS) == [coin]


def test_listed_symbol_is_tradable_only_from_its_opening() -> None:
    coin = an_instrument(opens_at_ms=NOW_MS + 1)
    catalogue = Catalogue([coin])

    assert catalogue.all_listed(NOW_MS) == [coin]
    assert catalogue.all_tradable(NOW_MS) == []
    assert catalogue.all_tradable(NOW_MS + 1) == [coin]


def test_version_changes_when_a_symbol_opens_and_not_otherwise() -> None:
    catalogue = Catalogue([])
    catalogue.put(an_instrument(opens_at_ms=NOW_MS + 1_000))
    catalogue.advance(NOW_MS)
    before = catalogue.version

    catalogue.advance(NOW_MS + 999)
    unchanged = catalogue.version
    catalogue.advance(NOW_MS + 1_000)

    assert unchanged == before
    assert catalogue.version > before


def test_removed_symbol_is_offline_until_it_is_listed_again() -> None:
    catalogue = Catalogue([an_instrument()])

    catalogue.remove("ABCUSDT", NOW_MS)
    suspended, gone = catalogue.offline(NOW_MS)
    catalogue.put(an_instrument())

    assert (suspended, [each.symbol for each in gone]) == ([], ["ABCUSDT"])
    assert catalogue.offline(NOW_MS) == ([], [])


def test_suspended_symbol_is_listed_and_offline() -> None:
    coin = an_instrument(suspended=True)
    catalogue = Catalogue([coin])

    assert catalogue.all_listed(NOW_MS) == [coin]
    assert catalogue.offline(NOW_MS) == ([coin], [])
