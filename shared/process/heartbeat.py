"""Health of a service, published at intervals and on change."""

import asyncio
import secrets
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final

import structlog
from pydantic import JsonValue

from shared.bus.port import Bus
from shared.errors import TransientError, in_a_line
from shared.events import Health, HealthStatus, utc_now
from shared.wire import topology

log = structlog.get_logger()

HEARTBEAT_SECONDS: Final = 5.0
SILENCE_MAX: Final = timedelta(seconds=12)
"""A component silent for longer counts as dead: two missed heartbeats, and a margin."""
AHEAD_MAX: Final = timedelta(minutes=1)
"""A report of a later time is of no other clock, but of before ours was set back."""
WORST_LAST: Final = (HealthStatus.STOPPED, HealthStatus.RUNNING, HealthStatus.DEGRADED, HealthStatus.ERROR)
"""Of several processes of a component, the worst one's report is the component's."""
_SILENCE: Final = "silent, last said "
SHUTDOWN_REPORT_SECONDS: Final = 2.0

Fact = Callable[[], JsonValue]
"""Returns a fact about a component; called with each heartbeat."""


class Component:
    """Health of one service, from its own view."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._process = secrets.token_hex(4)
        self._has_ended = False
        self.changed = asyncio.Event()
        self._status = HealthStatus.RUNNING
        self._detail = ""
        self._last_event_at: datetime | None = None
        self._shutdown_report = HealthStatus.STOPPED, ""
        self._facts: dict[str, Fact] = {}
        self._is_silent: Callable[[], bool] = lambda: False

    @property
    def is_silent(self) -> bool:
        """Return whether another process reports under this name."""
        return self._is_silent()

    def silent_while(self, silent: Callable[[], bool]) -> None:
        """Report nothing while *silent* returns True."""
        self._is_silent = silent

    def add_fact(self, name: str, fact: Fact) -> None:
        """Report *fact* under this name with each heartbeat."""
        self._facts[name] = fact
        self.changed.set()

    def report_at_shutdown(self, status: HealthStatus, detail: str) -> None:
        """Report this at shutdown instead of ``stopped``, because positions remain or the like."""
        self._shutdown_report = status, detail

    def report_shutdown(self) -> None:
        """Report the shutdown."""
        self.set(*self._shutdown_report)

    def end(self) -> None:
        """Mark the reports from now on as the last of this process."""
        self._has_ended = True

    def set(self, status: HealthStatus, detail: str = "") -> None:
        """Report *status* at once if it changed."""
        if (status, detail) != (self._status, self._detail):
            self._status, self._detail = status, detail
            self.changed.set()

    def saw_event(self, at: datetime) -> None:
        """Remember the time of the latest event, for the next heartbeat."""
        self._last_event_at = at

    def report(self, now: datetime) -> Health:
        """Return the present health event."""
        return Health(
            id=uuid.uuid4().hex,
            component=self.name,
            status=self._status,
            last_event_at=self._last_event_at,
            sent_at=now,
            detail=self._detail,
            process=self._process,
            last=self._has_ended,
            facts={name: value for name, fact in self._facts.items() if (value := _read(name, fact)) is not None},
        )


def _read(name: str, fact: Fact) -> JsonValue:
    """Return the value of *fact*; None where it fails, since the component itself is alive."""
    try:
        return fact()
    except Exception as error:  # noqa: BLE001 - an error in one fact must not end the heartbeat
        log.warning("a fact of health cannot be read", fact=name, reason=in_a_line(error))
        return None


def silence_detail(status: str) -> str:
    """Return the detail of a component marked as silent after its last report *status*."""
    return f"{_SILENCE}{status}"


def last_reported(status: str, detail: str) -> str:
    """Return the last status that a component reported, also where it was marked as silent since."""
    return detail.removeprefix(_SILENCE) if detail.startswith(_SILENCE) else status


def is_silent_since(updated_at: datetime, *, now: datetime) -> bool:
    """Return whether a component whose last report is of *updated_at* is silent.

    It is, too, where that lies in the future: the clock was set back, and no report came since.
    """
    return not -AHEAD_MAX <= now - updated_at <= SILENCE_MAX


def effective_status(status: HealthStatus, updated_at: datetime, *, now: datetime) -> HealthStatus:
    """Return ERROR for a component that fell silent without a shutdown report, otherwise *status*."""
    if status is not HealthStatus.STOPPED and is_silent_since(updated_at, now=now):
        return HealthStatus.ERROR
    return status


@asynccontextmanager
async def heartbeat(component: Component, bus: Bus) -> AsyncIterator[None]:
    """Publish the component's health while the body runs; report ``stopped`` at its end, ``error`` if it failed."""
    beating = asyncio.create_task(_beat(component, bus), name=f"heartbeat-{component.name}")
    try:
        yield
        component.report_shutdown()
    except BaseException as error:
        # Cancellation is an ordered stop; any other error is a failure of the service.
        failed = isinstance(error, Exception)
        component.set(HealthStatus.ERROR if failed else HealthStatus.STOPPED, type(error).__name__ if failed else "")
        raise
    finally:
        beating.cancel()
        await asyncio.wait([beating])
        component.end()
        await _publish(component, bus, SHUTDOWN_REPORT_SECONDS)


async def _beat(component: Component, bus: Bus) -> None:
    while True:
        component.changed.clear()
        await _publish(component, bus, HEARTBEAT_SECONDS)
        try:
            async with asyncio.timeout(HEARTBEAT_SECONDS):
                await component.changed.wait()
        except TimeoutError:
            continue


async def _publish(component: Component, bus: Bus, seconds: float) -> None:
    if component.is_silent:
        return
    try:
        async with asyncio.timeout(seconds):
            await bus.publish(topology.to_message(component.report(utc_now())))
    except (TransientError, TimeoutError) as error:
        log.debug("heartbeat not sent", component=component.name, reason=str(error))
    except Exception:
        # A component whose heartbeat ended would pass for dead.
        log.exception("heartbeat not sent", component=component.name)
