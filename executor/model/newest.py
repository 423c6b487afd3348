"""Memory of the newest entries. Pure."""

from typing import Final, TypeVar

_KEPT_MAX: Final = 1_000

K = TypeVar("K")
V = TypeVar("V")


def keep_newest(memory: dict[K, V], key: K, value: V) -> None:
    """Keep *value* as the newest entry of *memory*; the oldest makes room."""
    memory.pop(key, None)
    while len(memory) >= _KEPT_MAX:
        memory.pop(next(iter(memory)))
    memory[key] = value
