"""Parts that the middlewares and the routes of sessions share."""

from dataclasses import dataclass
from datetime import timedelta

from api.access.authenticator import Authenticator
from api.access.lookup import Lookup
from api.access.origins import Origins
from api.access.throttle import Throttle
from api.access.urls import host_name
from api.settings import ApiSettings
from shared.postgres.database import Database


@dataclass(frozen=True, slots=True)
class Access:
    """What decides who may do something."""

    lookup: Lookup
    throttle: Throttle
    authenticator: Authenticator
    origins: Origins
    session_seconds_max: int


def access_of(settings: ApiSettings, database: Database) -> Access:
    """Return the parts for an API with these settings."""
    lookup = Lookup(
        database,
        session_idle=timedelta(seconds=settings.session_idle_seconds),
        session_max=timedelta(seconds=settings.session_seconds_max),
    )
    throttle = Throttle(
        failures_per_minute=settings.failures_per_minute, requests_per_minute=settings.requests_per_minute
    )
    return Access(lookup, throttle, Authenticator(lookup, throttle), _origins(settings), settings.session_seconds_max)


def _origins(settings: ApiSettings) -> Origins:
    names = {"localhost", settings.host.lower(), *settings.allowed_hosts}
    if settings.public_url is not None:
        names.add(host_name(settings.public_url.partition("://")[2]) or "")
    return Origins(frozenset(names - {""}), settings.public_url)
