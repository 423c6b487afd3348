"""How to call the client library: what its errors mean to us, and how to keep cancellations out of it and apart."""

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from aiormq.exceptions import AMQPError
from pamqp.exceptions import PAMQPException

from shared.bus.rabbitmq.error_meanings import explain_error
from shared.errors import TransientError

T = TypeVar("T")

AWAY: Final = (AMQPError, PAMQPException, OSError, TimeoutError, RuntimeError)


@contextmanager
def away_is_transient() -> Iterator[None]:
    """Translate the many ways a broker can be away into TransientError."""
    try:
        yield
    except asyncio.CancelledError as error:
        # Calls that wait on a dying connection end in CancelledError, though nobody cancelled us.
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise TransientError("broker away: the connection died during the call") from error
    except AWAY as error:
        raise TransientError(f"broker away: {explain_error(error)}") from error
    except Exception as error:
        # The client's word, of no class in particular, to calls whose connection ended for no reason it knows.
        if type(error) is not Exception:
            raise
        raise TransientError("broker away: the connection ended during the call") from error


async def run_shielded(call: Awaitable[T], *, seconds: float) -> T:
    """Return what *call* returns; when we are cancelled meanwhile, let it end first, within *seconds* at most.

    A call cut short leaves its channel half open, which the broker answers by closing the connection, and some
    calls lose the cancellation: a loop around them would run on for ever.
    """
    task = asyncio.ensure_future(_bounded(call, seconds))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()
        raise


async def _bounded(call: Awaitable[T], seconds: float) -> T:
    async with asyncio.timeout(seconds):
        return await call
