"""How the C library gives memory back."""

import ctypes
from typing import Final

_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
"""M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of glibc's malloc.h."""
LARGE_BYTES: Final = 128 * 1024
"""What glibc starts with."""
IDLE_BYTES: Final = 1024 * 1024
"""Kept at the end of the heap: to give it back and ask for it anew takes half as long as a frame of 3,000 tickers."""


def return_large_blocks() -> None:
    """Let every large block go back to the system as soon as it is freed.

    By itself glibc takes the largest block freed so far for the usual size from then on. Room for blocks like it, such
    as exchangeInfo's megabytes, is then cut out of the heap, between small things that last, and stays in pieces. Where
    the C library is another one, nothing is changed.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, LARGE_BYTES)
        mallopt(_TRIM_THRESHOLD, IDLE_BYTES)
