"""SQL whose parameters have names: with twenty of them, numbers are a trap."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_NAME: Final = re.compile(r"(?<![:\w]):([a-z]\w*)")


@dataclass(frozen=True, slots=True)
class Statement:
    """What asyncpg is given: numbered parameters, and which name each number has."""

    sql: str
    names: tuple[str, ...]

    def arguments(self, values: Mapping[str, object]) -> tuple[object, ...]:
        """Return *values* in the order of the numbers; raise KeyError naming the one that is missing."""
        return tuple(map(values.__getitem__, self.names))


def named(sql: str) -> Statement:
    """Read *sql* with ``:name`` for each parameter; ``::`` stays a cast."""
    names = tuple(dict.fromkeys(_NAME.findall(sql)))
    numbers = {name: f"${number}" for number, name in enumerate(names, start=1)}
    return Statement(_NAME.sub(lambda found: numbers[found[1]], sql), names)
