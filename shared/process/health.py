"""How each service is doing, told on the bus every few seconds and on change."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final

import structlog
from pydantic import JsonValue

from shared.bus.port import Bus
from shared.errors import TransientError
from shared.events import Health, HealthStatus, utc_now
from shared.isolation import in_a_line
from shared.wire import topology

log = structlog.get_logger()

HEARTBEAT_SECONDS: Final = 5.0
SILENCE_MAX: Final = timedelta(seconds=12)
"""A component silent for longer is taken for dead: two heartbeats missed, and some grace."""
_SILENCE: Final = "silent, last said "
FAREWELL_SECONDS: Final = 2.0

Fact = Callable[[], JsonValue]
"""Reads what a component tells of itself; called with each heartbeat."""


class Component:
    """The health of one service, as the service sees it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.changed = asyncio.Event()
        self._status = HealthStatus.RUNNING
        self._detail = ""
        self._last_event_at: datetime | None = None
        self._shutdown_report = HealthStatus.STOPPED, ""
        self._facts: dict[str, Fact] = {}
        self._is_silent: Callable[[], bool] = lambda: False

    @property
    def is_silent(self) -> bool:
        """Whether another process speaks under this name."""
        return self._is_silent()

    def silent_while(self, silent: Callable[[], bool]) -> None:
        """Tell nothing while *silent* says so."""
        self._is_silent = silent

    def add_fact(self, name: str, fact: Fact) -> None:
        """Tell *fact* under this name with each heartbeat."""
        self._facts[name] = fact
        self.changed.set()

    def report_at_shutdown(self, status: HealthStatus, detail: str) -> None:
        """Report this at the end instead of ``stopped``: it ends, and that is not well."""
        self._shutdown_report = status, detail

    def report_shutdown(self) -> None:
        """Report the end."""
        self.set(*self._shutdown_report)

    def set(self, status: HealthStatus, detail: str = "") -> None:
        """Report *status* at once if it is news."""
        if (status, detail) != (self._status, self._detail):
            self._status, self._detail = status, detail
            self.changed.set()

    def saw_event(self, at: datetime) -> None:
        """Remember when the latest event was handled; told with the next heartbeat."""
        self._last_event_at = at

    def report(self, now: datetime) -> Health:
        """Return the health event of this moment."""
        return Health(
            id=uuid.uuid4().hex,
            component=self.name,
            status=self._status,
            last_event_at=self._last_event_at,
            sent_at=now,
            detail=self._detail,
            facts={name: value for name, fact in self._facts.items() if (value := _read(name, fact)) is not None},
        )


def _read(name: str, fact: Fact) -> JsonValue:
    """Return what *fact* tells; None where it fails, for a component that cannot tell one thing is still alive."""
    try:
        return fact()
    except Exception as error:  # noqa: BLE001 - a fault in what is only shown
        log.warning("a fact of health cannot be read", fact=name, reason=in_a_line(error))
        return None


def silence_detail(said: str) -> str:
    """Return the detail of a component that is marked as silent, having told *said* last."""
    return f"{_SILENCE}{said}"


def last_reported(status: str, detail: str) -> str:
    """Return what a component told itself, also where it was marked as silent since."""
    return detail.removeprefix(_SILENCE) if detail.startswith(_SILENCE) else status


def effective_status(status: HealthStatus, updated_at: datetime, *, now: datetime) -> HealthStatus:
    """Return the status to believe: a component that went silent without saying goodbye is in error."""
    if status is not HealthStatus.STOPPED and now - updated_at > SILENCE_MAX:
        return HealthStatus.ERROR
    return status


@asynccontextmanager
async def heartbeat(component: Component, bus: Bus) -> AsyncIterator[None]:
    """Publish the component's health while the body runs; say ``stopped`` at its end, ``error`` if it failed."""
    beating = asyncio.create_task(_beat(component, bus), name=f"heartbeat-{component.name}")
    try:
        yield
        component.report_shutdown()
    except BaseException as error:
        # A cancelled service was stopped by somebody; any other way out is its own failure.
        failed = isinstance(error, Exception)
        component.set(HealthStatus.ERROR if failed else HealthStatus.STOPPED, type(error).__name__ if failed else "")
        raise
    finally:
        beating.cancel()
        await asyncio.wait([beating])
        await _publish(component, bus, FAREWELL_SECONDS)


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
