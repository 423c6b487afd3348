"""Faults of any REST answer: status, body, headers, delay and loss."""

from dataclasses import replace

from simulator.faults import response_faults
from simulator.faults.kind import HOLD, FaultKind, if_accepted, never
from simulator.faults.response_faults import FaultOptions

ROWS = (
    FaultKind(
        "latency",
        "The request is handled at once, the answer sent `seconds` later.",
        options=("seconds",),
        transform=lambda options, reply: replace(reply, delay_seconds=reply.delay_seconds + options.duration_seconds),
    ),
    FaultKind(
        "hang_before_accept",
        "The request is read and never handled or answered.",
        transform=lambda _, reply: replace(reply, hang=True),
        accepts=never,
    ),
    FaultKind(
        "hang_after_accept",
        "The request is handled (an order is placed) and never answered.",
        transform=lambda _, reply: replace(reply, hang=True),
    ),
    FaultKind(
        "http_status",
        "Answered with `status`, and `retry_after` when given; handled all the same when `accept` is true. "
        "The body is JSON with `code` (the status) and `message`, or `body` as it is.",
        options=("status", "accept", "retry_after", "retry_after_in", "code", "message", "body"),
        transform=response_faults.status,
        accepts=if_accepted,
    ),
    FaultKind(
        "api_error",
        "Refused with HTTP 400 and MEXC's `code` and `message`; handled all the same when `accept` is true.",
        options=("code", "message", "accept", "retry_after", "retry_after_in"),
        defaults=FaultOptions(code=30016, message="Trading disabled"),
        transform=response_faults.api_error,
        accepts=if_accepted,
    ),
    FaultKind(
        HOLD,
        "Held until the fault is disarmed: handled only then, or at once when `accept` is true.",
        options=("accept",),
        transform=lambda _, reply: reply,
    ),
    FaultKind(
        "redirect",
        "Redirected to itself with `status`; handled all the same when `accept` is true.",
        options=("status", "accept"),
        defaults=FaultOptions(status=307),
        transform=response_faults.redirect,
        accepts=if_accepted,
    ),
    FaultKind(
        "malformed_body",
        "Handled, then answered with a body that is not JSON.",
        transform=lambda _, reply: replace(reply, body=b'{"symbol":'),
    ),
    FaultKind(
        "truncated_body",
        "Handled, then the connection ends after half of the body.",
        transform=lambda _, reply: replace(reply, truncated=True),
    ),
    FaultKind(
        "drop_connection",
        "The connection is reset without an answer; the request is handled first when `accept` is true.",
        options=("accept",),
        transform=lambda _, reply: replace(reply, drop=True),
        accepts=if_accepted,
    ),
    FaultKind(
        "bad_rows",
        "In each row of the answer, `column` is `value`, or absent when `missing` is true.",
        endpoint="GET /api/v3/myTrades",
        options=("column", "value", "missing"),
        transform=response_faults.corrupt_rows,
    ),
)
