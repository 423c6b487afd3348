"""Names under which the usage of the rate limits is stored over a restart. Pure."""

import math
from collections.abc import Mapping, Sequence

from executor.rate_limits.rate_budget import WEIGHT_SECONDS
from executor.rate_limits.sliding_window import Priority
from shared.mexc.weights import Pool


def usage_name(pool: Pool, priority: Priority, seconds_left: int | None = None) -> str:
    """Return the name of a priority's usage of *pool*, or of the part that is free again after *seconds_left*."""
    name = f"{pool.value} {priority.name.lower()}"
    return name if seconds_left is None else f"{name} {seconds_left}"


def used_by_seconds_left(used: Mapping[str, int], pool: Pool, priority: Priority) -> Sequence[tuple[float, int]]:
    """Return the usage with the seconds until it was free again, the longest where they are not stored."""
    counted = range(1, math.ceil(WEIGHT_SECONDS) + 2)
    told = [(min(WEIGHT_SECONDS, each), used.get(usage_name(pool, priority, each), 0)) for each in counted]
    untold = used.get(usage_name(pool, priority), 0) - sum(amount for _, amount in told)
    return [(WEIGHT_SECONDS, untold), *told] if untold > 0 else told
