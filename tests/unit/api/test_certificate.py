"""Expiry of a certificate."""

import datetime as dt
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from prometheus_client import CollectorRegistry

from api.certificate import expiry_of, export_expiry

NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "api")])
KEYS: dict[str, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey] = {
    "ec": ec.generate_private_key(ec.SECP256R1()),
    "rsa": rsa.generate_private_key(65537, 2048),
}


def pem(ends: dt.datetime, kind: str = "ec") -> str:
    key = KEYS[kind]
    made = (
        x509.CertificateBuilder(NAME, NAME, key.public_key(), x509.random_serial_number())
        .not_valid_before(dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(ends)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("year", [2026, 2049, 2050, 2099])
def test_both_forms_of_a_time_are_read(kind: str, year: int) -> None:
    ends = dt.datetime(year, 11, 28, 19, 0, 1, tzinfo=dt.UTC)

    assert expiry_of(pem(ends, kind)) == ends


def test_the_first_of_a_chain_counts(tmp_path: Path) -> None:
    first, second = (dt.datetime(year, 1, 1, tzinfo=dt.UTC) for year in (2027, 2040))
    file = tmp_path / "chain.pem"
    file.write_text(f"a comment\n{pem(first)}{pem(second)}")
    registry = CollectorRegistry()

    export_expiry(file, registry)

    shown = registry.get_sample_value("sniper_api_certificate_expiry_timestamp_seconds")
    assert shown == first.timestamp()


def test_without_a_certificate_nothing_is_shown() -> None:
    registry = CollectorRegistry()

    export_expiry(None, registry)

    assert registry.get_sample_value("sniper_api_certificate_expiry_timestamp_seconds") is None
