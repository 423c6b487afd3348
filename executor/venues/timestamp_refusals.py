"""Suspect the exchange's time wherever a question is refused for its timestamp: look-ups, balances and cancels too."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from executor.model.send_result import TimestampRefused
from executor.venues.error_codes import result_of_code
from shared.mexc.errors import ExchangeRejected
from shared.mexc.http.request import Admission


def suspecting(admission: Admission, suspect: Callable[[], None]) -> Admission:
    """Return *admission* that calls *suspect* where an admitted request is refused for its time."""

    @asynccontextmanager
    async def admit(method: str, path: str) -> AsyncIterator[None]:
        async with admission(method, path):
            try:
                yield
            except ExchangeRejected as refusal:
                if is_untimely(refusal):
                    suspect()
                raise

    return admit


def is_untimely(refusal: ExchangeRejected) -> bool:
    """Return whether the exchange refused a request for its timestamp."""
    return isinstance(result_of_code(refusal.code), TimestampRefused)
