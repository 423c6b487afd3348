"""Facts of an API key: by the exchange, by an operator, and their consequences. Pure.

MEXC shows neither the age of a key nor whether it is bound to IP addresses; it documents that a key which is not
expires 90 days after it was made, and can be renewed from five days before.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from shared.mexc.orders.order_reports import KeyRights

VALID: Final = timedelta(days=90)
RENEWABLE: Final = timedelta(days=5)


@dataclass(frozen=True, slots=True)
class KeyTerms:
    """An operator's account of the key."""

    created_on: date | None = None
    ip_bound: bool = False

    @property
    def expires_on(self) -> date | None:
        """The day (UTC) in the course of which it expires; None where it does not, or the day is not known."""
        return None if self.ip_bound or self.created_on is None else self.created_on + VALID


def failings(terms: KeyTerms, rights: KeyRights | None, today: date) -> Iterator[str]:
    """Yield what keeps the key from trading, or soon will, in sentences about "the API key"."""
    if rights is not None and rights.can_trade is False:
        yield "the API key may not trade"
    if terms.expires_on is not None and today >= terms.expires_on - RENEWABLE:
        ending = "expired" if today > terms.expires_on else "expires"
        yield f"the API key {ending} on {terms.expires_on}, unless it was renewed or is bound to IP addresses"


def risks(rights: KeyRights | None) -> Iterator[str]:
    """Yield the rights that the key should not have."""
    if rights is not None and rights.can_withdraw:
        yield "the API key may withdraw: trading takes no such right"
