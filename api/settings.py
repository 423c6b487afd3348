"""Settings of the API: its address and names, and the limits of sessions and requests."""

from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from api.access.urls import host_name, origin_of
from shared.settings import PREFIX, Settings

PLAIN_ADVICE: Final = "set SNIPER_API_TLS_CERTIFICATE, or SNIPER_API_PUBLIC_URL behind a proxy that ends TLS"


def is_loopback(address: str) -> bool:
    """Return whether *address* is the loopback: an IP address, or of names only localhost."""
    if address.lower() == "localhost":
        return True
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped.is_loopback
    return found.is_loopback


def split_at_commas(value: object) -> object:
    """Return the parts of a text; anything else as it is."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def require_host_name(name: str) -> str:
    """Return *name* in lower case if it is a host name without a port."""
    if host_name(name) != name.lower():
        raise ValueError("must be host names without ports, separated by commas")
    return name.lower()


def require_origin(url: str) -> str:
    """Return the origin of *url* if it has no path."""
    origin = origin_of(url)
    if origin is None or url.lower().rstrip("/") not in {origin, f"{origin}:80", f"{origin}:443"}:
        raise ValueError("must be an address like https://sniper.example.com, without a path")
    return origin


HostNames = Annotated[
    frozenset[Annotated[str, AfterValidator(require_host_name)]], NoDecode, BeforeValidator(split_at_commas)
]


class ApiSettings(Settings):
    """Settings of the API; port 0 takes a free one."""

    model_config = SettingsConfigDict(env_prefix=f"{PREFIX}API_")

    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=8000, ge=0, le=65535)
    public_url: Annotated[str, AfterValidator(require_origin)] | None = None
    """Address for browsers, if a proxy terminates TLS."""
    allowed_hosts: HostNames = frozenset()
    """Further accepted host names, besides localhost, addresses, the host and the public URL's."""
    tls_certificate: Path | None = None
    """PEM file of the certificate and its intermediates; with it the API uses TLS."""
    tls_key: Path | None = None
    """PEM file of its key; None: in the certificate's file."""
    session_idle_seconds: int = Field(default=12 * 3600, ge=120, le=30 * 86400)
    """A session ends when unused for this long; an open page uses it."""
    session_seconds_max: int = Field(default=7 * 86400, ge=120, le=365 * 86400)
    """A session ends after this long, even if it is used."""
    failures_per_minute: int = Field(default=10, ge=1, le=10_000)
    """Failed sign-in attempts of one address."""
    requests_per_minute: int = Field(default=6000, ge=1, le=10_000_000)
    """Requests of one token and its sessions."""

    @property
    def is_plain(self) -> bool:
        """Whether other machines reach the API by plain HTTP, as far as the settings show."""
        encrypted = self.tls_certificate is not None or (self.public_url or "").startswith("https:")
        return not encrypted and not is_loopback(self.host)

    @model_validator(mode="after")
    def require_certificate_of_key(self) -> Self:
        if self.tls_key is not None and self.tls_certificate is None:
            raise ValueError("SNIPER_API_TLS_KEY needs SNIPER_API_TLS_CERTIFICATE")
        return self
