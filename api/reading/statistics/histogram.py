"""Times as counted by the database: so many samples in each bucket, of which one ends where the next begins. Pure.

Bucket n of `duration_bucket` ends at 0.1 ms x 1.1^n. A percentile is the middle of its bucket: within 5 %.
"""

import math
from collections.abc import Mapping
from typing import Final

FIRST_MS: Final = 0.1
GROWTH: Final = 1.1
_DIGITS: Final = 3


def up_to_ms(bucket: int) -> float:
    """Return the longest time that *bucket* counts."""
    return _rounded(FIRST_MS * GROWTH**bucket)


def percentile_ms(counts: Mapping[int, int], share: float) -> float:
    """Return the time that *share* of the samples did not exceed; raise ValueError where there are none."""
    rank, passed = math.ceil(share * sum(counts.values())), 0
    for bucket in sorted(counts):
        passed += counts[bucket]
        if passed >= rank and counts[bucket]:
            return _rounded(FIRST_MS * GROWTH ** (bucket - 0.5)) if bucket else FIRST_MS
    raise ValueError("no samples")


def _rounded(milliseconds: float) -> float:
    """Return *milliseconds* in as many digits as mean something."""
    return float(f"{milliseconds:.{_DIGITS}g}")
