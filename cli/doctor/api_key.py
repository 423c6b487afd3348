"""Findings about an API key, from the exchange's answers and the settings. Pure."""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Final

from cli.doctor.finding import Finding, note, well, wrong
from shared.mexc.errors import ExchangeRejected
from shared.mexc.orders.api_key import RENEWABLE, VALID, KeyTerms
from shared.mexc.orders.order_reports import KeyRights

KEY: Final = "api key"
TRADES: Final = "key may trade"
WITHDRAWS: Final = "key may not withdraw"
BINDING: Final = "key's addresses"
AGE: Final = "key's age"
RIGHTS: Final = (TRADES, WITHDRAWS)

_MEANINGS: Final[Mapping[int, tuple[str, str]]] = MappingProxyType(
    {
        10072: (
            "the exchange does not know the key",
            "make another: this one was deleted or has expired",
        ),
        700002: ("the secret is not that of the key", "set SNIPER_MEXC_API_SECRET"),
        700003: ("the exchange takes our time for a wrong one", "set this machine's clock by NTP"),
        700006: ("the key does not let this machine's address in", "add the address to the key at the exchange"),
        700007: ("the key may not read the account", "allow it account reading and spot trading at the exchange"),
    }
)


def refused(error: ExchangeRejected) -> Finding:
    """Return the finding for a refused query of the account."""
    told, advice = _MEANINGS.get(error.code, ("the exchange refuses it", "see the key at the exchange"))
    return wrong(KEY, f"{told} ({error})", advice)


def rights(told: KeyRights) -> list[Finding]:
    """Return the findings on trading and on withdrawal."""
    return [judge_trading_right(told), judge_withdrawal_right(told)]


def judge_trading_right(told: KeyRights) -> Finding:
    match told.can_trade:
        case None:
            return note(TRADES, "the exchange does not tell")
        case False:
            return wrong(TRADES, "no: every order will be refused", "allow it spot trading at the exchange")
        case True:
            return well(TRADES, ", ".join(told.kinds) or "yes")


def judge_withdrawal_right(told: KeyRights) -> Finding:
    match told.can_withdraw:
        case None:
            return note(WITHDRAWS, "the exchange does not tell", "see at the exchange that the key may not withdraw")
        case False:
            return well(WITHDRAWS, "it may not")
        case True:
            return wrong(
                WITHDRAWS,
                "the exchange tells that it may",
                "make a key without withdrawal: whoever steals this one can take everything",
            )


def binding(terms: KeyTerms) -> Finding:
    """Return the finding on the key's bound addresses, which only its owner knows."""
    if terms.ip_bound:
        return well(BINDING, "bound, by SNIPER_MEXC_API_KEY_IP_BOUND")
    return wrong(
        BINDING,
        "not bound, as far as SNIPER_MEXC_API_KEY_IP_BOUND tells",
        "bind it at the exchange to this machine's address and set SNIPER_MEXC_API_KEY_IP_BOUND=true: it then serves "
        f"nobody else, and does not expire after {VALID.days} days",
    )


def age(terms: KeyTerms, today: date) -> Finding:
    """Return the finding on the key's age and expiry."""
    if terms.created_on is None:
        advice = f"set SNIPER_MEXC_API_KEY_CREATED to its day: an unbound key expires after {VALID.days} days"
        return note(AGE, "unknown: the exchange tells it nowhere", advice)
    days = max(0, (today - terms.created_on).days)
    if terms.expires_on is None:
        return well(AGE, f"{days} days; it does not expire")
    renew = "renew it or make a new one, then set SNIPER_MEXC_API_KEY_CREATED"
    if today > terms.expires_on:
        return wrong(AGE, f"{days} days: it expired on {terms.expires_on}", renew)
    if today >= terms.expires_on - RENEWABLE:
        return wrong(AGE, f"{days} days: it expires on {terms.expires_on}", renew)
    return well(AGE, f"{days} days; it expires on {terms.expires_on}")
