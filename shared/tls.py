"""TLS: trusted certificate authorities, and explanations of refused certificates."""

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from shared.errors import SettingsError

_NOT_YET, _NO_MORE = 9, 10
_TIMES: Final = frozenset({_NOT_YET, _NO_MORE})
_OTHER_NAMES: Final = frozenset({62, 64})
"""Codes of OpenSSL: https://docs.openssl.org/3.0/man3/X509_STORE_CTX_get_error/ ."""


def trusting(authority: Path, *, variable: str) -> ssl.SSLContext:
    """Return a context that trusts the certificates of *authority* (PEM) alone; raise SettingsError for *variable*."""
    try:
        return ssl.create_default_context(cafile=authority)
    except ssl.SSLError as error:
        reason = error.reason or "it is not in PEM form"
        raise SettingsError(f"{variable}: {authority}: cannot be used: {reason}") from None
    except OSError as error:
        raise SettingsError(f"{variable}: {authority}: cannot be read: {error.strerror}") from None


def refusal(error: BaseException, *, url: str, authority: str) -> str | None:
    """Return why the certificate of the server in the variable *url* was refused; None for another error.

    *authority* is the variable of the trusted certificate authority.
    """
    cause: BaseException | None = error
    while not isinstance(cause, ssl.SSLCertVerificationError):
        if cause is None:
            return None
        cause = cause.__cause__
    subject, reason = f"the certificate of the server in {url}", cause.verify_message.rstrip(".")
    if cause.verify_code in _OTHER_NAMES:
        return f"{subject} is another's ({reason}): name the server as its certificate does"
    if cause.verify_code == _NO_MORE:
        return f"{subject} is refused ({reason}): renew it there, or correct this machine's clock"
    if cause.verify_code == _NOT_YET:
        return f"{subject} is refused ({reason}): correct this machine's clock, or the server's certificate"
    return f"{subject} is vouched for by nobody we believe ({reason}): name its authority's certificate in {authority}"


def expiry_of(peer: Mapping[str, Any] | None) -> float | None:
    """Return the Unix time at which the certificate of *peer* ends, which is that of `getpeercert`.

    None without TLS, and for a certificate that was not checked, of which Python shows nothing.
    """
    return ssl.cert_time_to_seconds(peer["notAfter"]) if peer else None


def mends_itself(error: ssl.SSLCertVerificationError) -> bool:
    """Return whether the certificate may become valid without a change on this machine."""
    return error.verify_code in _TIMES
