"""TLS of the API, if it has a certificate."""

import ssl

from api.settings import ApiSettings
from shared.errors import SettingsError


def context_of(settings: ApiSettings) -> ssl.SSLContext | None:
    """Return the TLS context; None: plain HTTP. Raises SettingsError naming the wrong variable."""
    if settings.tls_certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    for variable, path in (("CERTIFICATE", settings.tls_certificate), ("KEY", settings.tls_key)):
        if path is not None and not path.is_file():
            raise SettingsError(f"SNIPER_API_TLS_{variable}: {path.absolute()} is not there, or no file")
    try:
        context.load_cert_chain(settings.tls_certificate, settings.tls_key)
    except (ssl.SSLError, OSError) as error:
        reason = getattr(error, "reason", None) or error.strerror or type(error).__name__
        raise SettingsError(f"SNIPER_API_TLS_CERTIFICATE: cannot be used with its key: {reason}") from None
    return context
