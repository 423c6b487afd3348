"""API key watch: its rights and its acceptance at the exchange, and its expiry."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import structlog
from pydantic import JsonValue

from executor.alarms import Alarm
from executor.model import Reason, Rejected
from executor.venues.error_codes import result_of_code
from shared.errors import TransientError, in_a_line, pause
from shared.mexc.errors import ClockUncertainError, ExchangeError, ExchangeRejected
from shared.mexc.orders.account import MexcAccount
from shared.mexc.orders.api_key import KeyTerms, failings, risks
from shared.mexc.orders.order_reports import KeyRights
from shared.process.redaction import hidden_by_form

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 300.0
"""One request of weight ten: negligible beside trading."""
FIRST_SECONDS: Final = 10.0
"""Until the next request, while none was answered."""


class ApiKeyWatch:
    """For display and alarms only: a refused key halts trading where an order is refused."""

    def __init__(self, account: MexcAccount, terms: KeyTerms, alarm: Alarm, *, now: Callable[[], datetime]) -> None:
        self._account = account
        self._terms = terms
        self._alarm = alarm
        self._now = now
        self._rights: KeyRights | None = None
        self._accepted_at: datetime | None = None
        self._refusal = ""

    async def run(self, until: asyncio.Event) -> None:
        """Check the key repeatedly, until *until* is set."""
        while not until.is_set():
            try:
                await self.look()
            except Exception:
                # An error of one check must not end the loop.
                log.exception("the API key was not looked at")
            answered = self._accepted_at is not None or self._refusal
            await pause(LOOK_SECONDS if answered else FIRST_SECONDS, until)

    async def look(self) -> None:
        """Read the rights of the key once. Without an answer the last ones stay, and age."""
        try:
            rights = await self._account.key_rights()
        except (ExchangeError, TransientError, ClockUncertainError) as error:
            if _is_about_the_key(error):
                self._refusal = f"the exchange refuses the API key: {hidden_by_form(str(error))}"
            log.info("the API key was not looked at", reason=in_a_line(error))
        else:
            if rights != self._rights:
                for risk in risks(rights):
                    log.warning("an API key that may do more than it should", risk=risk)
            self._rights, self._accepted_at, self._refusal = rights, self._now(), ""
        self._alarm("api key", "; ".join(self._failings()))

    def fact(self) -> JsonValue:
        """Return the known facts for health: days as dates, times in RFC 3339, null for unknown ones."""
        rights, terms = self._rights or KeyRights(None, None), self._terms
        return {
            "can_trade": rights.can_trade,
            "can_withdraw": rights.can_withdraw,
            "permissions": list(rights.kinds),
            "accepted_at": None if self._accepted_at is None else self._accepted_at.isoformat(),
            "created_on": None if terms.created_on is None else terms.created_on.isoformat(),
            "expires_on": None if terms.expires_on is None else terms.expires_on.isoformat(),
            "ip_bound": terms.ip_bound,
            "failings": list[JsonValue](self._failings()),
            "risks": list(risks(self._rights)),
        }

    def _failings(self) -> list[str]:
        refused = [self._refusal] if self._refusal else []
        return [*refused, *failings(self._terms, self._rights, self._now().astimezone(UTC).date())]


def _is_about_the_key(error: Exception) -> bool:
    if not isinstance(error, ExchangeRejected):
        return False
    result = result_of_code(error.code)
    return isinstance(result, Rejected) and result.reason is Reason.CREDENTIALS_REFUSED
