"""Alarms of a component by source: in its health, in a metric, and once in the log."""

from collections.abc import Callable, Sequence
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Gauge

from executor.model import Order
from shared.events import HealthStatus
from shared.process.heartbeat import Component

log = structlog.get_logger(__name__)

_NAMED_MAX: Final = 5

Alarm = Callable[[str, str], None]
"""Raises the alarm of a source with its text, or ends it where that is empty."""


class Alarms:
    """Each source has at most one alarm; while there is any, the component is degraded."""

    def __init__(self, component: Component, registry: CollectorRegistry | None = None) -> None:
        self._component = component
        self._standing: dict[str, str] = {}
        self._gauge: Final = Gauge(
            "sniper_executor_alarms", "Whether an alarm is raised, by its source.", ("source",), registry=registry
        )

    def say(self, source: str, what: str) -> None:
        """Set the alarm of *source* to *what*; end it where that is empty."""
        if self._standing.get(source, "") == what:
            return
        if what:
            self._standing[source] = what
            log.error("an alarm is raised", source=source, what=what)
        else:
            self._standing.pop(source)
            log.info("an alarm has ended", source=source)
        self._gauge.labels(source).set(bool(what))
        status = HealthStatus.DEGRADED if self._standing else HealthStatus.RUNNING
        self._component.set(status, "; ".join(self._standing.values()))

    def needed(self, orders: Sequence[Order]) -> None:
        """Set the alarm of *orders* that need a person, in place of those before."""
        names = named([f"{each.client_order_id} ({each.side} {each.symbol})" for each in orders])
        self.say("orders", f"{len(orders)} orders need a person: {names}" if orders else "")


def unread(names: Sequence[str], what: str) -> str:
    """Return the alarm about *what* of these *names* that could not be read; empty where there are none."""
    return f"{len(names)} {what} cannot be read by this version: {named(names)}" if names else ""


def named(names: Sequence[str]) -> str:
    """Return the first few of *names*."""
    return ", ".join(names[:_NAMED_MAX]) + (", …" if len(names) > _NAMED_MAX else "")
