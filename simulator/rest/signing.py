"""MEXC's rules for signatures, encoding and timestamps."""

import hashlib
import hmac
import re
from urllib.parse import unquote

from simulator.market import error_responses
from simulator.market.error_responses import RefusedError

_SIGNATURE = re.compile(r"&?signature=([^&]*)")
_ENCODED = re.compile(r"(?:[A-Za-z0-9\-._~!*'(),:@/=&]|%[0-9A-F]{2})*")
_AHEAD_MS_MAX = 1_000
_RECV_WINDOW_MS = 5_000
_RECV_WINDOW_MS_MAX = 60_000


def check_signature(query: str, body: str, secret: str) -> None:
    """Raise RefusedError unless the raw *query* and *body*, joined by nothing, were signed with *secret*."""
    found = _SIGNATURE.search(query) or _SIGNATURE.search(body)
    payload = _SIGNATURE.sub("", query) + _SIGNATURE.sub("", body)
    expected = hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
    # Only lower-case hexadecimal is accepted.
    if found is None or not hmac.compare_digest(found[1].encode(), expected.encode()):
        raise RefusedError(error_responses.SIGNATURE_INVALID)


def check_encoding(parameters: str) -> None:
    """Raise RefusedError unless *parameters* are percent-encoded UTF-8 in upper case, with %20 for a blank."""
    try:
        unquote(parameters, errors="strict")
    except UnicodeDecodeError as error:
        raise RefusedError(error_responses.SIGNATURE_INVALID) from error
    if not _ENCODED.fullmatch(parameters):
        raise RefusedError(error_responses.SIGNATURE_INVALID)


def check_timestamp(timestamp: str | None, recv_window: str | None, server_ms: int) -> None:
    """Raise RefusedError unless the request is at most one second from the future and not older than its window."""
    if timestamp is None or not timestamp.isdecimal():
        raise RefusedError(error_responses.REQUEST_TIME_INVALID)
    if recv_window is not None and not recv_window.isdecimal():
        raise RefusedError(error_responses.illegal("recvWindow"))
    window_ms = int(recv_window) if recv_window else _RECV_WINDOW_MS
    if window_ms > _RECV_WINDOW_MS_MAX:
        raise RefusedError(error_responses.RECV_WINDOW_TOO_LARGE)
    sent_ms = int(timestamp)
    if sent_ms >= server_ms + _AHEAD_MS_MAX or server_ms - sent_ms > window_ms:
        raise RefusedError(error_responses.TIMESTAMP_OUTSIDE)
