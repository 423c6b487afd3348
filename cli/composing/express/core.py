"""The processor core of the express way: staying on one, and never leaving it."""

import asyncio
import os

from shared.errors import SettingsError


def stay_on(core: int | None) -> None:
    """Keep this process on *core*, where that is given; raise SettingsError where it may not be."""
    if core is None:
        return
    try:
        os.sched_setaffinity(0, {core})
    except (OSError, AttributeError) as error:
        allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else "unknown on this system"
        raise SettingsError(
            f"SNIPER_EXPRESS_CORE: there is no core {core} that this process may use; allowed: {allowed}"
        ) from error


def require(core: int | None) -> None:
    """Raise SettingsError where this process may not be kept on *core*, and leave it where it is.

    The attempt is the check, and what is started before the service runs, as a PostgreSQL of our own, inherits none
    of it: on that core it would wait for a loop that spins.
    """
    if core is None:
        return
    before = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    stay_on(core)
    os.sched_setaffinity(0, before)


async def spin(until: asyncio.Event) -> None:
    """Keep the event loop from sleeping, until the event is set."""
    while not until.is_set():  # noqa: ASYNC110 - waiting for the event is what must not be done
        await asyncio.sleep(0)
