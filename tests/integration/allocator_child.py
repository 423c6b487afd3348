"""Handles large answers between which small things remain, and prints its growth in bytes since the first."""

import sys
from pathlib import Path

from shared.process.malloc_tuning import return_large_blocks


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def answer(lasting: list[bytes]) -> None:
    """Hold ten megabytes in passing, and keep a kilobyte after each."""
    passing = []
    for _ in range(10):
        passing.append(bytearray(1_000_000))
        lasting.append(bytes(1_000))


def main() -> None:
    if "returning" in sys.argv:
        return_large_blocks()
    lasting: list[bytes] = []
    answer(lasting)
    before = resident_bytes()
    for _ in range(20):
        answer(lasting)
    print(resident_bytes() - before)  # noqa: T201 - read by the test


main()
