"""Types of settings, with validation that never repeats a value."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

ENCODE = "in a user name and a password, @ is written %40, : %3A, / %2F, ? %3F, # %23 and % %25"


def with_scheme(*schemes: str) -> Callable[[SecretStr], SecretStr]:
    """Return a validator of URLs with one of *schemes*."""

    def check(value: SecretStr) -> SecretStr:
        if not value.get_secret_value().startswith(tuple(f"{scheme}://" for scheme in schemes)):
            raise ValueError(f"must start with {' or '.join(f'{scheme}://' for scheme in schemes)}")
        return value

    return check


def reachable(url: str) -> str:
    """Return *url*; raise ValueError, without its value, where it has no host or an impossible port."""
    try:
        parts = urlsplit(url)
        is_reachable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        parts, is_reachable = urlsplit(""), False
    if not is_reachable:
        raise ValueError(f"must name a host and, if any, a port from 1 to 65535 ({ENCODE})")
    if "#" in url or "@" in f"{parts.path}{parts.query}" or parts.netloc.count("@") > 1:
        raise ValueError(f"holds an @ or a # that cannot be meant: {ENCODE}")
    return url


def reachable_secret(url: SecretStr) -> SecretStr:
    """Return *url*; raise ValueError as `reachable` does."""
    reachable(url.get_secret_value())
    return url


def verified(value: SecretStr) -> SecretStr:
    """Return *value*; raise ValueError where it disables the check of certificates."""
    if "no_verify_ssl" in value.get_secret_value():
        raise ValueError("must not switch off the check of the broker's certificate (no_verify_ssl)")
    return value


def not_ahead(day: date) -> date:
    """Return *day*, at most tomorrow, which it is already in some time zones."""
    if day > datetime.now(UTC).date() + timedelta(days=1):
        raise ValueError("must be the day on which the key was made, which is not ahead")
    return day


BrokerUrl = Annotated[
    SecretStr,
    AfterValidator(with_scheme("amqp", "amqps")),
    AfterValidator(reachable_secret),
    AfterValidator(verified),
]
DatabaseUrl = Annotated[SecretStr, AfterValidator(with_scheme("postgres", "postgresql", "postgresql+asyncpg"))]
PastDay = Annotated[date, AfterValidator(not_ahead)]
RestUrl = Annotated[str, Field(pattern=r"^https?://[^/?#@\s]+$"), AfterValidator(reachable)]
WebsocketUrl = Annotated[str, Field(pattern=r"^wss?://[^?#@\s]+$"), AfterValidator(reachable)]
