"""Assignment of symbols to connections. Pure."""

from collections.abc import Iterable, Sequence


def assigned(before: Sequence[frozenset[str]], wanted: Iterable[str], places: int) -> tuple[frozenset[str], ...]:
    """Return *before*, the symbols of each connection, with exactly those that are *wanted* now.

    A symbol keeps its connection, others fill up the first ones with room; what finds none is left out.
    """
    queue = list(wanted)
    staying = [symbols.intersection(queue) for symbols in before]
    newcomers = [symbol for symbol in queue if not any(symbol in symbols for symbols in staying)]
    result = []
    for symbols in staying:
        free = max(0, places - len(symbols))
        result.append(symbols.union(newcomers[:free]))
        newcomers = newcomers[free:]
    return tuple(result)
