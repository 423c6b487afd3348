"""Calls of the client library: translation of its errors, and protection from cancellation."""

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from aiormq.exceptions import AMQPError
from pamqp.exceptions import PAMQPException

from shared.bus.rabbitmq.error_meanings import explain_error
from shared.errors import TransientError

T = TypeVar("T")

CLOSE_SECONDS: Final = 2.0
"""For a channel or a connection to close: what was not said by then is said by its end."""
AWAY: Final = (AMQPError, PAMQPException, OSError, TimeoutError, RuntimeError)


@contextmanager
def away_is_transient() -> Iterator[None]:
    """Translate all errors of an unreachable broker into TransientError."""
    try:
        yield
    except asyncio.CancelledError as error:
        # Calls on a dying connection end in CancelledError without a cancellation of ours.
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise TransientError("broker away: the connection died during the call") from error
    except AWAY as error:
        raise TransientError(f"broker away: {explain_error(error)}") from error
    except Exception as error:
        # The client raises a bare Exception where a connection ended for a reason unknown to it.
        if type(error) is not Exception:
            raise
        raise TransientError("broker away: the connection ended during the call") from error


async def run_shielded(call: Awaitable[T], *, seconds: float) -> T:
    """Return what *call* returns; when cancelled meanwhile, let it end first, within *seconds* at most.

    An interrupted call leaves its channel half open, which the broker answers by closing the connection, and some
    calls swallow the cancellation: a loop around them would never end.
    """

    async def bounded() -> T:
        async with asyncio.timeout(seconds):
            return await call

    task = asyncio.ensure_future(bounded())
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()
        raise
