"""Checks of the exchange: reachable, clock offset, and rights of the API key."""

import time
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from cli.composing.services import EXPRESS, EXPRESS_PARTS
from cli.doctor import api_key
from cli.doctor.finding import Finding, not_examined, note, setting, well, wrong
from executor.venues.credentials import Credentials, credentials
from shared.errors import SettingsError
from shared.mexc.errors import ExchangeError, ExchangeRejected
from shared.mexc.http.request import RestLimits
from shared.mexc.http.signed_request import Signing
from shared.mexc.http.signing import Signer
from shared.mexc.market_data import MexcMarketData, connect_market_data
from shared.mexc.orders.account import connect_account
from shared.mexc.orders.api_key import KeyTerms
from shared.mexc.time.clock_estimate import ClockEstimate, ClockSample, TrustLimits, estimate_of
from shared.settings import ExchangeSettings, load

ASKING: Final = frozenset({*EXPRESS_PARTS, EXPRESS})
"""Services that ask the exchange."""
REACHABLE: Final = "exchange"
CLOCK: Final = "exchange clock"
KEY_PARTS: Final = (api_key.KEY, *api_key.RIGHTS, api_key.BINDING, api_key.AGE)
SAMPLES: Final = 5
OFFSET_SECONDS_MAX: Final = 1.0
"""Orders are signed by the exchange's time, but events carry ours."""
LIMITS: Final = RestLimits(connect_seconds=3, total_seconds=5)
RECV_WINDOW_MS: Final = 5_000


async def check(names: Collection[str]) -> list[Finding]:
    """Return the findings on the exchange and on the API key, where one of these services asks it."""
    if ASKING.isdisjoint(names):
        return not_examined((REACHABLE,), f"no need of {', '.join(names)}")
    try:
        settings = load(ExchangeSettings)
        keys = credentials(settings)
    except SettingsError as error:
        return [setting(REACHABLE, str(error)), *not_examined((CLOCK, *KEY_PARTS), "the settings are wrong")]
    host = urlsplit(settings.mexc_rest_url).netloc
    async with connect_market_data(settings.mexc_rest_url, LIMITS) as rest:
        try:
            estimate = estimate_of(await take_samples(rest))
        except ExchangeError as error:
            advice = "see whether this machine may reach it (DNS, firewall), and SNIPER_MEXC_REST_URL"
            parts = not_examined((CLOCK, *KEY_PARTS), "the exchange is not reached")
            return [wrong(REACHABLE, f"{host}: {error}", advice), *parts]
    now = time.monotonic()
    ahead = 0.0 if estimate is None else estimate.now_ms(now) / 1000 - time.time()
    found = [well(REACHABLE, f"{host} answers"), judge_clock(TrustLimits().objection(estimate, now), ahead)]
    return [*found, *await judge_key(settings, keys, estimate)]


async def take_samples(rest: MexcMarketData) -> Sequence[ClockSample]:
    """Return samples of the exchange's time."""
    samples = []
    for _ in range(SAMPLES):
        asked_at = time.monotonic()
        server_ms = await rest.server_time()
        samples.append(ClockSample(asked_at, time.monotonic(), server_ms))
    return samples


def judge_clock(objection: str, ahead_seconds: float) -> Finding:
    """Return the finding on the exchange's clock: its offset, and any objection to signing by it."""
    if objection:
        return wrong(CLOCK, objection, "use a machine with a quicker way to the exchange")
    told = f"{ahead_seconds:+.3f} s from ours"
    if abs(ahead_seconds) > OFFSET_SECONDS_MAX:
        return wrong(CLOCK, told, "set this machine's clock by NTP")
    return well(CLOCK, told)


async def judge_key(
    settings: ExchangeSettings, keys: Credentials | None, estimate: ClockEstimate | None
) -> list[Finding]:
    """Return the findings on the API key, with a query of the account if there is one."""
    if keys is None:
        advice = "set SNIPER_MEXC_API_KEY and SNIPER_MEXC_API_SECRET"
        if settings.live:
            return [wrong(api_key.KEY, "none, while SNIPER_LIVE is set: no order can be sent", advice)]
        return [note(api_key.KEY, "none: orders are only computed (dry-run)", advice)]
    terms = KeyTerms(settings.mexc_api_key_created, settings.mexc_api_key_ip_bound)
    about = [api_key.binding(terms), api_key.age(terms, datetime.now(UTC).date())]
    if estimate is None:
        return [*not_examined((api_key.KEY, *api_key.RIGHTS), "the exchange's time is not known"), *about]

    def now_ms() -> int:
        return estimate.now_ms(time.monotonic())

    signing = Signing(Signer(keys.api_key, keys.api_secret), now_ms, RECV_WINDOW_MS)
    async with connect_account(settings.mexc_rest_url, signing, LIMITS) as account:
        try:
            told = await account.key_rights()
        except ExchangeRejected as error:
            return [api_key.refused(error), *not_examined(api_key.RIGHTS, "the key is refused"), *about]
        except ExchangeError as error:
            parts = not_examined(api_key.RIGHTS, "the account is not reached")
            return [wrong(api_key.KEY, str(error), "try again"), *parts, *about]
    return [well(api_key.KEY, "accepted"), *api_key.rights(told), *about]
