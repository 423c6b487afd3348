"""Access control shared by the middlewares and the routes of sessions."""

from dataclasses import dataclass
from datetime import timedelta

from api.access.authenticator import Authenticator
from api.access.credential_lookup import CredentialLookup
from api.access.origins import Origins
from api.access.throttle import Throttle
from api.access.urls import host_name
from api.settings import ApiSettings
from shared.postgres.database import Database


@dataclass(frozen=True, slots=True)
class AccessControl:
    """Authentication, throttling and allowed origins."""

    lookup: CredentialLookup
    throttle: Throttle
    authenticator: Authenticator
    origins: Origins
    session_seconds_max: int


def build_access_control(settings: ApiSettings, database: Database) -> AccessControl:
    """Build the access control of an API with these settings."""
    lookup = CredentialLookup(
        database,
        session_idle=timedelta(seconds=settings.session_idle_seconds),
        session_max=timedelta(seconds=settings.session_seconds_max),
    )
    throttle = Throttle(
        failures_per_minute=settings.failures_per_minute, requests_per_minute=settings.requests_per_minute
    )
    names = {"localhost", settings.host.lower(), *settings.allowed_hosts}
    if settings.public_url is not None:
        names.add(host_name(settings.public_url.partition("://")[2]) or "")
    origins = Origins(frozenset(names - {""}), settings.public_url)
    return AccessControl(lookup, throttle, Authenticator(lookup, throttle), origins, settings.session_seconds_max)
