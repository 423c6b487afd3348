"""What a request is answered with."""

from dataclasses import dataclass

import msgspec

from simulator.market.error_responses import Refusal


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer, and what goes wrong on its way."""

    status: int = 200
    body: bytes = b"{}"
    content_type: str = "application/json"
    retry_after: str | None = None  # the header as it is sent
    retry_after_date_in: float | None = None  # or the moment that many seconds from now, as an HTTP date
    delay_seconds: float = 0
    hang: bool = False  # never sent
    drop: bool = False  # the connection is reset instead
    truncated: bool = False  # the connection ends in the middle of the body
    redirects: bool = False  # to where it came from

    @classmethod
    def refusing(cls, refusal: Refusal) -> "Reply":
        body = msgspec.json.encode({"code": refusal.code, "msg": refusal.message, "_extend": None})
        return cls(refusal.http_status, body)
