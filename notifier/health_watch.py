"""Health of components over time: changes, silence and recovery, each notified once. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
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

NEVER: Final = datetime.max.replace(tzinfo=UTC)


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

    def put(self, report: Health, now: datetime) -> bool:
        """Take *report*, unless a later one of its process is known; forget what ended or fell silent before it.

        One that is known from a time to come is of before the clock was set back.
        """
        before = self._reports.get(report.process)
        if before is not None and report.sent_at <= before.sent_at <= now:
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

    def bring_to(self, now: datetime) -> None:
        """Let no report be of a time after *now*: silence would begin only then."""
        self._reports = {name: _as_of(each, now) for name, each in self._reports.items()}


def _as_of(report: Health, now: datetime) -> Health:
    return report if report.sent_at <= now else report.model_copy(update={"sent_at": now})


def _is_over(report: Health, now: datetime) -> bool:
    return report.last or report.status is HealthStatus.STOPPED or now - report.sent_at > SILENCE_MAX


class HealthWatch:
    def __init__(self) -> None:
        self._components: defaultdict[str, _Component] = defaultdict(_Component)

    def heard(self, report: Health, now: datetime = NEVER) -> Notice | None:
        """Process *report*; return a notice where it is news. Reports older than the latest are ignored.

        The first report of a running component is no news. No sender is believed a time that has not come *now*.
        """
        component, time = self._components[report.component], report.time
        report = _as_of(report, now)
        before, was_silent = component.worst, component.is_silent
        if not component.put(report, now):
            return None
        component.bring_to(now)
        worst = component.worst
        assert worst is not None
        if before is None:
            is_news = worst.status in {HealthStatus.DEGRADED, HealthStatus.ERROR}
        else:
            is_news = was_silent or _gist(worst) != _gist(before)
        if not is_news:
            return None
        title = f"{worst.component} is {worst.status}"
        return Notice(report.id, Kind.HEALTH, _SEVERITIES[worst.status], title, worst.detail, time)

    def fell_silent(self, now: datetime) -> Iterator[Notice]:
        """Yield a notice for each component that has been silent for too long, once."""
        for name, component in self._components.items():
            component.bring_to(now)
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
