"""Waits of an executor between a listing and the publishing of its trade, and points to hold it at meanwhile."""

from itertools import pairwise
from typing import Final

_DECIDED: Final = ("reservation_sql.READ", "reservation_sql.RESERVE")
_TAKEN: Final = ("settlement.LOCK", "transition_sql.READ", "transition_sql.WRITE", "settlement.COUNT", "commit")
_SETTLED: Final = (
    *(
        "settlement.LOCK#2",
        "transition_sql.READ#2",
        "transition_sql.WRITE#2",
        "settlement.SETTLE",
        "settlement.OPEN_POSITION",
    ),
    *("settlement.COUNT#2", "order_transitions.TELL", "commit#2"),
)
_STEPS: Final = ("handle", *_DECIDED, "send", *_TAKEN, "look up", *_SETTLED, "publish", "outbox.REMOVE")
POINTS: Final = tuple(f"{when} {step}" for step in _STEPS for when in ("before", "after"))
FOLLOWED: Final = {
    f"after {step}": f"before {following}"
    for steps in (_DECIDED, _TAKEN, _SETTLED)
    for step, following in pairwise(steps)
}
"""Points with which the next one comes at once: to end or to be held at either is the same for everybody outside."""
PLACES: Final = tuple(point for point in POINTS if point not in FOLLOWED)
"""Points that differ."""
