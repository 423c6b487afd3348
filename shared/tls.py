"""TLS: trusted certificate authorities, and explanations of refused certificates."""

import ssl
from pathlib import Path
from typing import Final

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
    found, said = f"the certificate of the server in {url}", cause.verify_message.rstrip(".")
    if cause.verify_code in _OTHER_NAMES:
        return f"{found} is another's ({said}): name the server as its certificate does"
    if cause.verify_code == _NO_MORE:
        return f"{found} is refused ({said}): renew it there, or correct this machine's clock"
    if cause.verify_code == _NOT_YET:
        return f"{found} is refused ({said}): correct this machine's clock, or the server's certificate"
    return f"{found} is vouched for by nobody we believe ({said}): name its authority's certificate in {authority}"


def mends_itself(error: ssl.SSLCertVerificationError) -> bool:
    """Return whether the certificate may become valid without a change on this machine."""
    return error.verify_code in _TIMES
