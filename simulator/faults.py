"""The faults the exchange can be told to have. Adding one is adding a row, and for REST nothing more."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from types import MappingProxyType

from simulator import spoiling
from simulator.reply import Reply
from simulator.spoiling import Options

HOLD = "hold"
ORDER = "POST /api/v3/order"
EXCHANGE_INFO = "GET /api/v3/exchangeInfo"
WEBSOCKET = "WS /ws"


@dataclass(frozen=True, slots=True)
class Kind:
    """One row: what a fault does, to which endpoint unless told otherwise, and how often unless told otherwise."""

    name: str
    summary: str
    endpoint: str = ORDER
    count: int | None = 1  # None: until it is deleted
    options: tuple[str, ...] = ()
    defaults: Options = field(default_factory=Options)
    transform: Callable[[Options, Reply], Reply] | None = None
    accepts: Callable[[Options], bool] = lambda _: True


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
                transform=spoiling.status,
                accepts=lambda options: options.accept,
            ),
            Kind(
                "api_error",
                "Refused with HTTP 400 and MEXC's `code` and `message`.",
                options=("code", "message"),
                transform=spoiling.api_error,
                accepts=_never,
            ),
            Kind(
                HOLD,
                "Held until the fault is disarmed: handled only then, or at once when `accept` is true.",
                options=("accept",),
                transform=lambda _, reply: reply,
            ),
            Kind(
                "redirect",
                "Redirected to itself with `status`; handled all the same when `accept` is true.",
                options=("status", "accept"),
                defaults=Options(status=307),
                transform=spoiling.redirect,
                accepts=lambda options: options.accept,
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
                transform=lambda options, reply: spoiling.keep_fraction(replace(options, fraction=0), reply),
            ),
            Kind(
                "exchange_info_shrunk",
                "exchangeInfo holds the first `fraction` of the symbols.",
                endpoint=EXCHANGE_INFO,
                options=("fraction",),
                transform=spoiling.keep_fraction,
            ),
            Kind(
                "exchange_info_swollen",
                "exchangeInfo holds `extra` symbols more, which nobody listed.",
                endpoint=EXCHANGE_INFO,
                options=("extra",),
                transform=spoiling.swell,
            ),
            Kind(
                "exchange_info_html",
                "exchangeInfo is an HTML page with status 200, as a firewall sends.",
                endpoint=EXCHANGE_INFO,
                transform=spoiling.html,
            ),
            Kind(
                "order_visibility_lag",
                "A placed order is not found (-2013) by queries for `seconds`.",
                options=("seconds",),
            ),
            Kind(
                "settle_lag",
                "Coins that were bought show in the balances and can be sold (until then 30005) `seconds` later.",
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
    disarmed: asyncio.Event = field(default_factory=asyncio.Event)

    def matches(self, endpoint: str) -> bool:
        return fnmatchcase(endpoint, self.endpoint)

    def transform(self, reply: Reply) -> Reply:
        return self.kind.transform(self.options, reply) if self.kind.transform else reply


class Faults:
    """The armed faults, in the order they were armed."""

    def __init__(self) -> None:
        self._armed: list[Armed] = []
        self._holding: list[Armed] = []  # used up as they may be

    def arm(self, fault: Armed) -> None:
        self._armed.append(fault)

    def armed(self) -> list[Armed]:
        return list(self._armed)

    def disarm(self, name: str | None = None) -> None:
        """End the faults of that name, or all, and let go what they hold."""
        for fault in [*self._armed, *self._holding]:
            if name in {None, fault.kind.name}:
                fault.disarmed.set()
        self._armed = [each for each in self._armed if not each.disarmed.is_set()]
        self._holding = [each for each in self._holding if not each.disarmed.is_set()]

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
        if fault.kind.name == HOLD and fault not in self._holding:
            self._holding.append(fault)
        if fault.remaining is not None:
            fault.remaining -= 1
            if fault.remaining == 0:
                self._armed.remove(fault)
