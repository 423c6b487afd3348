"""The requests of each caller as the rate limits saw them: one by one, and summed by windows of time."""

from collections import Counter
from collections.abc import Iterable

from simulator.request_log import Passage

_SECOND_NS = 1_000_000_000


def passage_row(passage: Passage) -> dict[str, object]:
    return {
        "received_at_ns": passage.received_ns,
        "caller": passage.caller,
        "endpoint": passage.endpoint,
        "weight": passage.weight,
        "refused_with": passage.refused_with,
    }


def window_rows(traffic: Iterable[Passage], seconds: int) -> list[dict[str, object]]:
    """What each caller spent in each window of *seconds* in which it asked anything, oldest first.

    Refused requests have spent nothing and are counted apart.
    """
    windows: dict[tuple[int, str], list[Passage]] = {}
    for passage in traffic:
        starts_s = passage.received_ns // _SECOND_NS // seconds * seconds
        windows.setdefault((starts_s, passage.caller), []).append(passage)
    return [
        {"starts_at_s": starts_s, "caller": caller, **_spent(passages)}
        for (starts_s, caller), passages in sorted(windows.items())
    ]


def _spent(passages: list[Passage]) -> dict[str, object]:
    passed = [each for each in passages if each.refused_with is None]
    by_endpoint: Counter[str] = Counter()
    for each in passed:
        by_endpoint[each.endpoint] += each.weight
    return {
        "weight": sum(each.weight for each in passed),
        "requests": len(passed),
        "refused": Counter(str(each.refused_with) for each in passages if each.refused_with),
        "weight_of": by_endpoint,
    }
