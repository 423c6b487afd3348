"""Tuning of malloc: memory is returned to the system."""

import ctypes
from typing import Final

_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
"""M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of glibc's malloc.h."""
LARGE_BYTES: Final = 128 * 1024
"""Initial threshold of glibc."""
IDLE_BYTES: Final = 1024 * 1024
"""Kept at the end of the heap: returning it and requesting it again takes half as long as a frame of 3,000 tickers."""


def return_large_blocks() -> None:
    """Return every large block to the system as soon as it is freed.

    By default glibc raises the threshold to the largest block freed so far. Blocks of that size, such as
    exchangeInfo's megabytes, are then cut out of the heap between small long-lived ones, and fragment it. With another
    C library nothing is changed.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, LARGE_BYTES)
        mallopt(_TRIM_THRESHOLD, IDLE_BYTES)
