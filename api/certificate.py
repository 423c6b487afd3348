"""Expiry of a certificate, parsed from its DER: https://www.rfc-editor.org/rfc/rfc5280#section-4.1."""

import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Gauge

_VERSION: Final = 0xA0
_UTC_TIME: Final = 0x17
_BEFORE_VALIDITY: Final = 3
"""Serial number, algorithm and issuer."""


def export_expiry(certificate: Path | None, registry: CollectorRegistry) -> None:
    """Export the expiry of *certificate* as a gauge, if there is one."""
    if certificate is None:
        return
    gauge = Gauge(
        "sniper_api_certificate_expiry_timestamp_seconds", "When the API's certificate ends.", registry=registry
    )
    gauge.set(expiry_of(certificate.read_text(encoding="ascii")).timestamp())


def expiry_of(pem: str) -> datetime:
    """Return the expiry of the first certificate of *pem*, which OpenSSL has accepted before."""
    end = "-----END CERTIFICATE-----"
    der = ssl.PEM_cert_to_DER_cert(pem[pem.index("-----BEGIN CERTIFICATE-----") : pem.index(end) + len(end)])
    _, body, _ = _element(der)
    _, rest, _ = _element(body)
    if rest[0] == _VERSION:
        *_, rest = _element(rest)
    for _ in range(_BEFORE_VALIDITY):
        *_, rest = _element(rest)
    _, validity, _ = _element(rest)
    *_, after = _element(validity)
    kind, text, _ = _element(after)
    form = "%y%m%d%H%M%SZ" if kind == _UTC_TIME else "%Y%m%d%H%M%SZ"
    return datetime.strptime(text.decode("ascii"), form).replace(tzinfo=UTC)


def _element(der: bytes) -> tuple[int, bytes, bytes]:
    """Return the tag and the content of the first element of *der*, and the remaining bytes."""
    length, start = der[1], 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(der[2:start])
    return der[0], der[start : start + length], der[start + length :]
