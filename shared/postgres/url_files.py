"""Files named by a PostgreSQL URL: certificates and keys are checked before connecting."""

import ssl
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from shared.errors import SettingsError
from shared.postgres.error_translation import VARIABLE
from shared.postgres.postgres_url import PostgresUrl

AUTHORITIES: Final = ("sslrootcert", "sslcrl")


def require_files(url: PostgresUrl) -> None:
    """Raise SettingsError naming the parameter and the path of the first unusable file of *url*."""
    passfile = url.query.get("passfile")
    if passfile is not None:
        _read("passfile", passfile)
    if url.query.get("sslmode") == "disable":
        return
    for name in AUTHORITIES:
        path = url.query.get(name)
        if path is not None:
            _read(name, path)
            _load(name, path, partial(ssl.SSLContext.load_verify_locations, cafile=path))
    certificate, key = url.query.get("sslcert"), url.query.get("sslkey")
    password = url.query.get("sslpassword") or ""
    for name, path in (("sslcert", certificate), ("sslkey", key)):
        if path is not None:
            _read(name, path)
    if certificate is not None:
        chain = partial(ssl.SSLContext.load_cert_chain, certfile=certificate, keyfile=key, password=lambda: password)
        _load("sslcert", certificate, chain)


def _read(name: str, path: str) -> None:
    try:
        Path(path).read_bytes()
    except OSError as error:
        raise SettingsError(f"{VARIABLE}: {name}: {path}: cannot be read: {error.strerror}") from None


def _load(name: str, path: str, load: Callable[[ssl.SSLContext], None]) -> None:
    try:
        load(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    except (ssl.SSLError, ValueError) as error:
        reason = getattr(error, "reason", None) or "it is not in PEM form"
        raise SettingsError(f"{VARIABLE}: {name}: {path}: cannot be used: {reason}") from None
