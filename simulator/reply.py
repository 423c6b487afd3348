"""Answer to a request, with the faults of its delivery."""

from dataclasses import dataclass

import msgspec

from simulator.market.error_responses import ErrorResponse


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer, and the faults of its delivery."""

    status: int = 200
    body: bytes = b"{}"
    content_type: str = "application/json"
    retry_after: str | None = None  # the header, verbatim
    retry_after_date_in: float | None = None  # or the moment that many seconds from now, as an HTTP date
    delay_seconds: float = 0
    hang: bool = False  # never sent
    drop: bool = False  # the connection is reset instead
    truncated: bool = False  # the connection ends in the middle of the body
    redirects: bool = False  # to where it came from

    @classmethod
    def from_error(cls, response: ErrorResponse) -> "Reply":
        body = msgspec.json.encode({"code": response.code, "msg": response.message, "_extend": None})
        return cls(response.http_status, body)
