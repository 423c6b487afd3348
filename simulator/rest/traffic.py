"""Logged requests by caller, as rows and as sums per time window."""

from collections import Counter
from collections.abc import Iterable

from simulator.request_log import LoggedRequest

_SECOND_NS = 1_000_000_000


def request_row(request: LoggedRequest) -> dict[str, object]:
    return {
        "received_at_ns": request.received_ns,
        "caller": request.caller,
        "endpoint": request.endpoint,
        "weight": request.weight,
        "refused_with": request.refused_with,
    }


def window_rows(traffic: Iterable[LoggedRequest], seconds: int) -> list[dict[str, object]]:
    """Return the weight each caller spent per window of *seconds*, oldest first; windows without requests are left out.

    Refused requests spend nothing and are counted apart.
    """
    windows: dict[tuple[int, str], list[LoggedRequest]] = {}
    for request in traffic:
        starts_s = request.received_ns // _SECOND_NS // seconds * seconds
        windows.setdefault((starts_s, request.caller), []).append(request)
    return [
        {"starts_at_s": starts_s, "caller": caller, **_spent(requests)}
        for (starts_s, caller), requests in sorted(windows.items())
    ]


def _spent(requests: list[LoggedRequest]) -> dict[str, object]:
    passed = [each for each in requests if each.refused_with is None]
    by_endpoint: Counter[str] = Counter()
    for each in passed:
        by_endpoint[each.endpoint] += each.weight
    return {
        "weight": sum(each.weight for each in passed),
        "requests": len(passed),
        "refused": Counter(str(each.refused_with) for each in requests if each.refused_with),
        "weight_of": by_endpoint,
    }
