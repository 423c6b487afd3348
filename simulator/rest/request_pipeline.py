"""Request pipeline in front of every endpoint: faults, rate limits, keys and signatures."""

from dataclasses import dataclass, replace

import msgspec

from simulator.exchange import Exchange
from simulator.faults.kind import HOLD
from simulator.faults.registry import ArmedFault, FaultTarget
from simulator.market import error_responses
from simulator.market.error_responses import RefusedError
from simulator.market.orders import Order
from simulator.rate_limits import RateLimited
from simulator.reply import Reply
from simulator.request_log import LoggedRequest, OrderEntry
from simulator.rest.endpoints import Endpoint
from simulator.rest.json_rows import ack_row
from simulator.rest.params import Params
from simulator.rest.signing import check_encoding, check_signature, check_timestamp
from simulator.settings import RetryAfter

_CONTENT_TYPES = ("application/json", "application/x-www-form-urlencoded")


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A request as received."""

    received_ns: int
    query: str
    body: str
    api_key: str | None
    content_type: str | None
    address: str


@dataclass(frozen=True, slots=True)
class AdmittedRequest:
    """A logged request, and the faults that apply to it."""

    endpoint: Endpoint
    call: RawRequest
    params: Params
    entry: OrderEntry | None
    faults: list[ArmedFault]

    @property
    def holds_before_handling(self) -> list[ArmedFault]:
        """The faults that hold the request before it is handled."""
        return [fault for fault in self._holds if not fault.options.accept]

    @property
    def holds_before_answer(self) -> list[ArmedFault]:
        """The faults that hold the answer before it is sent."""
        return [fault for fault in self._holds if fault.options.accept]

    @property
    def _holds(self) -> list[ArmedFault]:
        return [fault for fault in self.faults if fault.kind.name == HOLD]


def admit(exchange: Exchange, endpoint: Endpoint, call: RawRequest) -> AdmittedRequest:
    """Log a request and select its faults."""
    exchange.request_log.requests[endpoint.name] += 1
    params = Params.parse(call.query, call.body)
    entry = None
    if endpoint.takes_order:
        ahead_ns = exchange.ahead_ns()
        entry = OrderEntry(
            call.received_ns, call.received_ns + ahead_ns, endpoint.path.endswith("/test"), params.as_dict()
        )
        exchange.request_log.entries.append(entry)
    subject = FaultTarget(params.text("symbol"), params.text("side"))
    return AdmittedRequest(endpoint, call, params, entry, exchange.faults.take_replies(endpoint.name, subject))


def respond(exchange: Exchange, admitted: AdmittedRequest) -> Reply:
    """Handle the request unless a fault prevents it, then apply the faults to the answer."""
    reply = Reply()
    if all(fault.kind.accepts(fault.options) for fault in admitted.faults):
        reply = _handle(exchange, admitted.endpoint, admitted.call, admitted.params, admitted.entry)
    for fault in admitted.faults:
        reply = fault.transform(reply)
    return reply


def log_answer(admitted: AdmittedRequest, reply: Reply) -> None:
    """Log the answer before it is sent."""
    if admitted.entry and not (reply.hang or reply.drop):
        admitted.entry.status, admitted.entry.answer = reply.status, reply.body


def _handle(
    exchange: Exchange, endpoint: Endpoint, call: RawRequest, params: Params, entry: OrderEntry | None
) -> Reply:
    now_ms = exchange.now_ms()
    caller = call.api_key or call.address
    limited = exchange.limiter.admit(caller, endpoint.weight, now_ms, is_order=endpoint.counts_as_order)
    refused_with = limited.response.http_status if limited and exchange.settings.limits else None
    exchange.request_log.traffic.append(
        LoggedRequest(call.received_ns, caller, endpoint.name, endpoint.weight, refused_with)
    )
    if limited and exchange.settings.limits:
        exchange.request_log.refusals[endpoint.name] += 1
        return _limited(limited, exchange.settings.retry_after)
    try:
        if endpoint.signed:
            _authenticate(exchange, endpoint, call, params)
        exchange.market.advance(now_ms)
        answer = endpoint.answer(exchange, params, now_ms)
    except RefusedError as error:
        return Reply.from_error(error.response)
    if isinstance(answer, Order):
        assert entry is not None
        entry.order = answer
        answer = ack_row(answer)
    return Reply(body=answer if isinstance(answer, bytes) else msgspec.json.encode(answer))


def _authenticate(exchange: Exchange, endpoint: Endpoint, call: RawRequest, params: Params) -> None:
    if not call.api_key:
        raise RefusedError(error_responses.API_KEY_REQUIRED)
    if call.api_key != exchange.settings.api_key.get_secret_value():
        raise RefusedError(error_responses.API_KEY_UNKNOWN)
    if endpoint.method != "GET" and call.content_type and not call.content_type.startswith(_CONTENT_TYPES):
        raise RefusedError(error_responses.CONTENT_TYPE_INVALID)
    check_encoding(call.query)
    check_encoding(call.body)
    check_signature(call.query, call.body, exchange.settings.api_secret.get_secret_value())
    check_timestamp(params.text("timestamp"), params.text("recvWindow"), exchange.server_ms())


def _limited(limited: RateLimited, form: RetryAfter) -> Reply:
    refused, seconds = Reply.from_error(limited.response), limited.retry_after_seconds
    if form == "date":
        return replace(refused, retry_after_date_in=seconds)
    return replace(refused, retry_after=str(seconds) if form == "seconds" else None)
