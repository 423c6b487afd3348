"""Histograms of durations as counted by the database, in adjacent buckets. Pure.

Bucket n of `duration_bucket` ends at 0.1 ms x 1.1^n. A percentile is the middle of its bucket: within 5 %.
"""

import math
from collections.abc import Mapping
from typing import Final

FIRST_MS: Final = 0.1
GROWTH: Final = 1.1
_DIGITS: Final = 3


def up_to_ms(bucket: int) -> float:
    """Return the upper bound of *bucket*."""
    return _rounded(FIRST_MS * GROWTH**bucket)


def percentile_ms(counts: Mapping[int, int], share: float) -> float:
    """Return the percentile at *share*; raise ValueError without samples."""
    rank, passed = math.ceil(share * sum(counts.values())), 0
    for bucket in sorted(counts):
        passed += counts[bucket]
        if passed >= rank and counts[bucket]:
            return _rounded(FIRST_MS * GROWTH ** (bucket - 0.5)) if bucket else FIRST_MS
    raise ValueError("no samples")


def _rounded(milliseconds: float) -> float:
    """Round *milliseconds* to significant digits."""
    return float(f"{milliseconds:.{_DIGITS}g}")
