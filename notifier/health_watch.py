"""Health of components over time: changes, silence and recovery, each notified once. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from notifier.notices import Kind, Notice, Severity
from shared.events import Health, HealthStatus
from shared.process.heartbeat import SILENCE_MAX

_DIGITS: Final = re.compile(r"\d+(\.\d+)?")
"""Numbers in a detail change with every heartbeat, and are no news."""
_SEVERITIES: Final = {
    HealthStatus.RUNNING: Severity.INFO,
    HealthStatus.STOPPED: Severity.WARNING,
    HealthStatus.DEGRADED: Severity.WARNING,
    HealthStatus.ERROR: Severity.ERROR,
}


@dataclass(slots=True)
class _Known:
    status: HealthStatus
    detail: str
    heard_at: datetime
    is_silent: bool = False


class HealthWatch:
    """Latest report of each component."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}

    def heard(self, report: Health) -> Notice | None:
        """Process *report*; return a notice where it is news. Reports older than the latest are ignored.

        The first report of a running component is no news.
        """
        detail = _DIGITS.sub("#", report.detail)
        before = self._known.get(report.component)
        if before is not None and report.sent_at <= before.heard_at:
            return None
        self._known[report.component] = _Known(report.status, detail, report.sent_at)
        if before is None:
            is_news = report.status in {HealthStatus.DEGRADED, HealthStatus.ERROR}
        else:
            is_news = before.is_silent or (report.status, detail) != (before.status, before.detail)
        if not is_news:
            return None
        title = f"{report.component} is {report.status}"
        return Notice(report.id, Kind.HEALTH, _SEVERITIES[report.status], title, report.detail, report.time)

    def fell_silent(self, now: datetime) -> Iterator[Notice]:
        """Yield a notice for each component that has been silent for too long, once."""
        for name, known in self._known.items():
            is_expected = known.status is not HealthStatus.STOPPED and not known.is_silent
            if is_expected and now - known.heard_at > SILENCE_MAX:
                known.is_silent = True
                text = f"last heard of at {known.heard_at:%H:%M:%S} UTC"
                name_of_notice = f"silent:{name}:{known.heard_at.isoformat()}"
                yield Notice(name_of_notice, Kind.HEALTH, Severity.ERROR, f"{name} is silent", text, now)
