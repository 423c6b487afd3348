"""Errors of requests to the exchange, by what the caller may do about them."""

# An outcome reads better by its own name: `except NotSent`.
# ruff: noqa: N818

from typing import Final

from shared.errors import PermanentError, SniperError, TransientError
from shared.mexc.retry_after import quiet_seconds

_UNKNOWN_SYMBOL: Final = frozenset({-1121, 30014, 30021, 730001})


class ExchangeError(SniperError):
    """The exchange did not answer as requested."""


class ExchangeUnavailable(ExchangeError, TransientError):
    """No usable answer: network, timeout, 5xx, or something that is not the exchange's JSON. Never means "no data"."""


class ExchangeRejected(ExchangeError, PermanentError):
    """The exchange understood the request and refused it, with its own code and message."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message

    @property
    def is_unknown_symbol(self) -> bool:
        return self.code in _UNKNOWN_SYMBOL


QUIET_LOOK_SECONDS: Final = 30.0
"""The longest timer of what waits for the end of a quiet: timers stand still while the machine sleeps."""


class RateLimited(ExchangeError, TransientError):
    """Asked too often (429) or banned for it (418). The wait is None when the exchange did not name one."""

    def __init__(self, retry_after_seconds: float | None = None, *, banned: bool = False) -> None:
        wait = "an unnamed time" if retry_after_seconds is None else f"{retry_after_seconds:g} s"
        super().__init__(f"{'banned' if banned else 'rate limited'} for {wait}")
        self.retry_after_seconds = retry_after_seconds
        self.banned = banned

    @property
    def quiet_seconds(self) -> float:
        """Return the back-off: as named by the exchange, else the default, which is longer for a ban."""
        return quiet_seconds(self.retry_after_seconds, banned=self.banned)


class NotSent(ExchangeError, TransientError):
    """Not one byte of the request was written, so it certainly had no effect."""


class OutcomeUnknown(ExchangeError):
    """Bytes left and no complete answer came: it may have taken effect. Look it up, never send it again."""


class ClockUncertainError(TransientError):
    """The exchange's time is not known well enough to sign by it."""
