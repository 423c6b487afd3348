"""Sign requests the way MEXC checks them: HMAC-SHA256 over exactly the characters that are sent."""

import hashlib
import hmac
from collections.abc import Sequence
from urllib.parse import quote


def sign(secret: str, query: str, body: str = "") -> str:
    """Lowercase hex signature of *query* and *body*, joined without a separator."""
    return hmac.new(secret.encode(), (query + body).encode(), hashlib.sha256).hexdigest()


def encoded_query(params: Sequence[tuple[str, str]]) -> str:
    """Percent-encode *params* in their order: uppercase %XX, and %20 for a space, which MEXC does not read from a +."""
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in params)


def signed_query(params: Sequence[tuple[str, str]], secret: str) -> str:
    """The query string of *params* with its signature last, where MEXC expects it."""
    query = encoded_query(params)
    return f"{query}&signature={sign(secret, query)}"
