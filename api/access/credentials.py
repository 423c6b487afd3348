"""Credentials: values of 256 random bits, found by a public id, and compared as SHA-256.

A value is ``KIND_ID.SECRET``: three letters, 16 hexadecimal digits, 43 characters of base64url.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

SECRET_BYTES: Final = 32
ID_BYTES: Final = 8
PATTERN: Final = re.compile(r"(sn[tsl])_([0-9a-f]{16})\.[A-Za-z0-9_-]{43}")


class CredentialKind(StrEnum):
    """Kinds of values; one is never accepted in place of another."""

    TOKEN = "snt"  # noqa: S105 - a prefix
    SESSION = "sns"
    LINK = "snl"


@dataclass(frozen=True, slots=True)
class Credential:
    """The stored part of a value."""

    kind: CredentialKind
    public_id: str
    digest: bytes

    def matches(self, stored: bytes) -> bool:
        """Return whether *stored* is the digest of the same value; in constant time."""
        return hmac.compare_digest(self.digest, stored)


def make(kind: CredentialKind) -> tuple[str, Credential]:
    """Return a new value, and its storable part."""
    value = f"{kind}_{secrets.token_hex(ID_BYTES)}.{secrets.token_urlsafe(SECRET_BYTES)}"
    credential = parse(value, kind)
    assert credential is not None
    return value, credential


def parse(value: str, kind: CredentialKind) -> Credential | None:
    """Return the storable part of *value*; None if it cannot be one of *kind*."""
    match = PATTERN.fullmatch(value)
    if match is None or match[1] != kind:
        return None
    return Credential(kind, match[2], hashlib.sha256(value.encode()).digest())
