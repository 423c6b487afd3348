"""Changes of the halts in force, as notices. Pure but for one read."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from notifier.notices import Kind, Notice, Severity
from shared.control.halts import Halt


class HaltWatch:
    """Halts in force at the previous look."""

    def __init__(self) -> None:
        self._before: dict[str, Halt] | None = None

    def looked(self, found: Sequence[Halt], now: datetime) -> Iterator[Notice]:
        """Yield a notice for each halt that is new or lifted; at the first look only for new ones."""
        current = {
            f"halt:{halt.cause}:{halt.mode}:{halt.exits}:{halt.since.isoformat() if halt.since else ''}": halt
            for halt in found
        }
        before = self._before or {}
        self._before = current
        for name, halt in current.items():
            if name not in before:
                yield Notice(name, Kind.HALT, Severity.ERROR, f"Halted: {_scope(halt)}", str(halt), now)
        for name, halt in before.items():
            if name not in current:
                over = f"over:{name}:{now.isoformat()}"
                yield Notice(over, Kind.HALT, Severity.WARNING, f"Halt lifted: {_scope(halt)}", str(halt), now)


def _scope(halt: Halt) -> str:
    what = "purchases and sales" if halt.exits else "purchases; exits still run"
    return f"{what} ({halt.mode})" if halt.mode else what
