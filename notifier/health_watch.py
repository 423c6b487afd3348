"""Health of components over time: changes, silence and recovery, each notified once. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from notifier.notices import Kind, Notice, Severity
from shared.events import Health, HealthStatus
from shared.process.heartbeat import SILENCE_MAX, WORST_LAST

_DIGITS: Final = re.compile(r"\d+(\.\d+)?")
"""Numbers in a detail change with every heartbeat, and are no news."""
_SEVERITIES: Final = {
    HealthStatus.RUNNING: Severity.INFO,
    HealthStatus.STOPPED: Severity.WARNING,
    HealthStatus.DEGRADED: Severity.WARNING,
    HealthStatus.ERROR: Severity.ERROR,
}


class _Component:
    """Latest reports of the processes of a component.

    The worst one's is the component's; of equal ones that of the process which is shown already, so that two which are
    unwell at a time do not take turns.
    """

    def __init__(self) -> None:
        self._reports: dict[str, Health] = {}
        self._shown = ""
        self.is_silent = False

    @property
    def worst(self) -> Health | None:
        """Return the component's report; None before the first."""
        return self._reports.get(self._shown)

    @property
    def heard_at(self) -> datetime:
        return max(each.sent_at for each in self._reports.values())

    def put(self, report: Health) -> bool:
        """Take *report*, unless a later one of its process is known; forget what ended or fell silent before it."""
        before = self._reports.get(report.process)
        if before is not None and report.sent_at <= before.sent_at:
            return False
        others = {name: each for name, each in self._reports.items() if not _is_over(each, report.sent_at)}
        self._reports = others | {report.process: report}
        shown = self._shown
        worst = max(
            self._reports.values(),
            key=lambda each: (WORST_LAST.index(each.status), each.process == shown, each.sent_at),
        )
        self._shown = worst.process
        self.is_silent = False
        return True


def _is_over(report: Health, now: datetime) -> bool:
    return report.last or report.status is HealthStatus.STOPPED or now - report.sent_at > SILENCE_MAX


class HealthWatch:
    def __init__(self) -> None:
        self._components: defaultdict[str, _Component] = defaultdict(_Component)

    def heard(self, report: Health) -> Notice | None:
        """Process *report*; return a notice where it is news. Reports older than the latest are ignored.

        The first report of a running component is no news.
        """
        component = self._components[report.component]
        before, was_silent = component.worst, component.is_silent
        if not component.put(report):
            return None
        now = component.worst
        assert now is not None
        if before is None:
            is_news = now.status in {HealthStatus.DEGRADED, HealthStatus.ERROR}
        else:
            is_news = was_silent or _gist(now) != _gist(before)
        if not is_news:
            return None
        title = f"{now.component} is {now.status}"
        return Notice(report.id, Kind.HEALTH, _SEVERITIES[now.status], title, now.detail, report.time)

    def fell_silent(self, now: datetime) -> Iterator[Notice]:
        """Yield a notice for each component that has been silent for too long, once."""
        for name, component in self._components.items():
            worst = component.worst
            is_expected = worst is not None and worst.status is not HealthStatus.STOPPED and not component.is_silent
            if is_expected and now - component.heard_at > SILENCE_MAX:
                component.is_silent = True
                heard_at = component.heard_at
                text = f"last heard of at {heard_at:%H:%M:%S} UTC"
                name_of_notice = f"silent:{name}:{heard_at.isoformat()}"
                yield Notice(name_of_notice, Kind.HEALTH, Severity.ERROR, f"{name} is silent", text, now)


def _gist(report: Health) -> tuple[HealthStatus, str]:
    """Return what is news of *report* where it differs."""
    return report.status, _DIGITS.sub("#", report.detail)
