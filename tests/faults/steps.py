"""What an executor waits for between a listing and the trade that tells of it, and where it can be held meanwhile."""

from itertools import pairwise
from typing import Final

_DECIDED: Final = ("statements.READ", "statements.RESERVE")
_TAKEN: Final = ("accounts.LOCK", "books.READ", "books.WRITE", "accounts.COUNT", "commit")
_SETTLED: Final = (
    *("accounts.LOCK#2", "books.READ#2", "books.WRITE#2", "accounts.SETTLE", "accounts.OPEN_POSITION"),
    *("accounts.COUNT#2", "books.TELL", "commit#2"),
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
