"""The faults the exchange can be told to have. Adding one is adding a row, and for REST nothing more."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from types import MappingProxyType

import msgspec

from simulator.refusals import Refusal

ORDER = "POST /api/v3/order"
EXCHANGE_INFO = "GET /api/v3/exchangeInfo"
WEBSOCKET = "WS /ws"


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer, and what goes wrong on its way."""

    status: int = 200
    body: bytes = b"{}"
    content_type: str = "application/json"
    retry_after_seconds: int | None = None
    delay_seconds: float = 0
    hang: bool = False  # never sent
    drop: bool = False  # the connection is reset instead
    truncated: bool = False  # the connection ends in the middle of the body

    @classmethod
    def refusing(cls, refusal: Refusal) -> "Reply":
        body = msgspec.json.encode({"code": refusal.code, "msg": refusal.message, "_extend": None})
        return cls(refusal.http_status, body)


@dataclass(frozen=True, slots=True)
class Options:
    """What can be said of a fault; each row names those it reads."""

    seconds: float = 1.0
    status: int = 503
    accept: bool = False
    code: int = 30016
    message: str = "Trading disabled"
    retry_after: int | None = None
    fraction: float = 0.1
    size_bytes: int = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Kind:
    """One row: what a fault does, to which endpoint unless told otherwise, and how often unless told otherwise."""

    name: str
    summary: str
    endpoint: str = ORDER
    count: int | None = 1  # None: until it is deleted
    options: tuple[str, ...] = ()
    transform: Callable[[Options, Reply], Reply] | None = None
    accepts: Callable[[Options], bool] = lambda _: True


def _status(options: Options, reply: Reply) -> Reply:
    body = msgspec.json.encode({"code": options.status, "msg": "simulated failure"})
    return replace(reply, status=options.status, body=body, retry_after_seconds=options.retry_after)


def _api_error(options: Options, reply: Reply) -> Reply:
    refused = Reply.refusing(Refusal(options.code, options.message))
    return replace(reply, status=refused.status, body=refused.body)


def _keep_fraction(options: Options, reply: Reply) -> Reply:
    info = msgspec.json.decode(reply.body, type=dict[str, object])
    symbols = info.get("symbols")
    if isinstance(symbols, list):
        info["symbols"] = symbols[: int(len(symbols) * options.fraction)]
    return replace(reply, body=msgspec.json.encode(info))


def _html(_: Options, reply: Reply) -> Reply:
    page = b"<html><head><title>Access Denied</title></head><body>Reference #18.2d3e</body></html>"
    return replace(reply, body=page, content_type="text/html")


def _never(_: Options) -> bool:
    return False


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            Kind(
                "latency",
                "The request is handled at once, the answer sent `seconds` later.",
                options=("seconds",),
                transform=lambda options, reply: replace(reply, delay_seconds=reply.delay_seconds + options.seconds),
            ),
            Kind(
                "hang_before_accept",
                "The request is read and never handled or answered.",
                transform=lambda _, reply: replace(reply, hang=True),
                accepts=_never,
            ),
            Kind(
                "hang_after_accept",
                "The request is handled (an order is placed) and never answered.",
                transform=lambda _, reply: replace(reply, hang=True),
            ),
            Kind(
                "http_status",
                "Answered with `status`, and `retry_after` when given; handled all the same when `accept` is true.",
                options=("status", "accept", "retry_after"),
                transform=_status,
                accepts=lambda options: options.accept,
            ),
            Kind(
                "api_error",
                "Refused with HTTP 400 and MEXC's `code` and `message`.",
                options=("code", "message"),
                transform=_api_error,
                accepts=_never,
            ),
            Kind(
                "malformed_body",
                "Handled, then answered with a body that is not JSON.",
                transform=lambda _, reply: replace(reply, body=b'{"symbol":'),
            ),
            Kind(
                "truncated_body",
                "Handled, then the connection ends after half of the body.",
                transform=lambda _, reply: replace(reply, truncated=True),
            ),
            Kind(
                "drop_connection",
                "The connection is reset without an answer; the request is handled first when `accept` is true.",
                options=("accept",),
                transform=lambda _, reply: replace(reply, drop=True),
                accepts=lambda options: options.accept,
            ),
            Kind(
                "exchange_info_empty",
                "exchangeInfo holds no symbols.",
                endpoint=EXCHANGE_INFO,
                transform=lambda options, reply: _keep_fraction(replace(options, fraction=0), reply),
            ),
            Kind(
                "exchange_info_shrunk",
                "exchangeInfo holds the first `fraction` of the symbols.",
                endpoint=EXCHANGE_INFO,
                options=("fraction",),
                transform=_keep_fraction,
            ),
            Kind(
                "exchange_info_html",
                "exchangeInfo is an HTML page with status 200, as a firewall sends.",
                endpoint=EXCHANGE_INFO,
                transform=_html,
            ),
            Kind(
                "order_visibility_lag",
                "A placed order is not found (-2013) by queries for `seconds`.",
                options=("seconds",),
            ),
            Kind(
                "duplicate_client_id_reject",
                "An order whose client id was used before on its symbol is refused; without this it is accepted.",
                count=None,
            ),
            Kind(
                "clock_skew",
                "The exchange's clock is `seconds` ahead (behind when negative).",
                endpoint="*",
                count=None,
                options=("seconds",),
            ),
            Kind("ws_refuse_connection", "The websocket handshake is answered with 403.", endpoint=WEBSOCKET),
            Kind(
                "ws_refuse_subscription",
                "A subscription is answered with MEXC's code 0 and `Blocked!`.",
                endpoint=WEBSOCKET,
            ),
            Kind("ws_disconnect", "Every open websocket is reset now.", endpoint=WEBSOCKET),
            Kind(
                "ws_silence",
                "Websockets stay open, and nothing comes from them, not even an answer to PING.",
                endpoint=WEBSOCKET,
                count=None,
            ),
            Kind("ws_garbage_frame", "Before the next push comes a frame that is not protobuf.", endpoint=WEBSOCKET),
            Kind(
                "ws_giant_frame",
                "Before the next push comes a frame of `size_bytes`.",
                endpoint=WEBSOCKET,
                options=("size_bytes",),
            ),
        )
    }
)


@dataclass(slots=True)
class Armed:
    kind: Kind
    endpoint: str
    remaining: int | None
    options: Options = field(default_factory=Options)
    taken: int = 0

    def matches(self, endpoint: str) -> bool:
        return fnmatchcase(endpoint, self.endpoint)

    def transform(self, reply: Reply) -> Reply:
        return self.kind.transform(self.options, reply) if self.kind.transform else reply


class Faults:
    """The armed faults, in the order they were armed."""

    def __init__(self) -> None:
        self._armed: list[Armed] = []

    def arm(self, fault: Armed) -> None:
        self._armed.append(fault)

    def armed(self) -> list[Armed]:
        return list(self._armed)

    def clear(self) -> None:
        self._armed.clear()

    def active(self, name: str) -> Options | None:
        """The fault's options while it is armed, without using it up."""
        return next((each.options for each in self._armed if each.kind.name == name), None)

    def take(self, name: str, endpoint: str) -> Options | None:
        """The fault's options when it is armed for *endpoint*, using it up once."""
        for fault in self._armed:
            if fault.kind.name == name and fault.matches(endpoint):
                self._use(fault)
                return fault.options
        return None

    def take_replies(self, endpoint: str) -> list[Armed]:
        """The faults of the REST answer of *endpoint*, using each up once."""
        taken = [each for each in self._armed if each.kind.transform and each.matches(endpoint)]
        for fault in taken:
            self._use(fault)
        return taken

    def _use(self, fault: Armed) -> None:
        fault.taken += 1
        if fault.remaining is not None:
            fault.remaining -= 1
            if fault.remaining == 0:
                self._armed.remove(fault)
