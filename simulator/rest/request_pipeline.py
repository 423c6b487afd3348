"""What every request passes on its way to an endpoint: faults, limits, keys and signatures."""

from dataclasses import dataclass, replace

import msgspec

from simulator.exchange import Exchange
from simulator.faults.kind import HOLD
from simulator.faults.registry import Armed, Subject
from simulator.market import error_responses
from simulator.market.error_responses import RefusedError
from simulator.market.orders import Order
from simulator.rate_limits import Limited
from simulator.reply import Reply
from simulator.request_log import Entry, Passage
from simulator.rest.endpoints import Endpoint
from simulator.rest.json_rows import ack_row
from simulator.rest.params import Params
from simulator.rest.signing import check_encoding, check_signature, check_timestamp
from simulator.settings import RetryAfter

_CONTENT_TYPES = ("application/json", "application/x-www-form-urlencoded")


@dataclass(frozen=True, slots=True)
class Call:
    """A request as it came."""

    received_ns: int
    query: str
    body: str
    api_key: str | None
    content_type: str | None
    address: str


@dataclass(frozen=True, slots=True)
class Visit:
    """A request that has come in, and the faults that will have their way with it."""

    endpoint: Endpoint
    call: Call
    params: Params
    entry: Entry | None
    faults: list[Armed]

    @property
    def held_back(self) -> list[Armed]:
        """The faults that keep it from being handled yet."""
        return [fault for fault in self._holds if not fault.options.accept]

    @property
    def held_up(self) -> list[Armed]:
        """The faults that keep its answer from being sent yet."""
        return [fault for fault in self._holds if fault.options.accept]

    @property
    def _holds(self) -> list[Armed]:
        return [fault for fault in self.faults if fault.kind.name == HOLD]


def admit(exchange: Exchange, endpoint: Endpoint, call: Call) -> Visit:
    """Take note of a request, whatever becomes of it."""
    exchange.ledger.requests[endpoint.name] += 1
    params = Params.parse(call.query, call.body)
    entry = None
    if endpoint.method == "POST":
        ahead_ns = exchange.ahead_ns()
        entry = Entry(call.received_ns, call.received_ns + ahead_ns, endpoint.path.endswith("/test"), params.as_dict())
        exchange.ledger.entries.append(entry)
    subject = Subject(params.text("symbol"), params.text("side"))
    return Visit(endpoint, call, params, entry, exchange.faults.take_replies(endpoint.name, subject))


def respond(exchange: Exchange, visit: Visit) -> Reply:
    """Handle the request unless a fault prevents it, then let the faults have the answer."""
    reply = Reply()
    if all(fault.kind.accepts(fault.options) for fault in visit.faults):
        reply = _handle(exchange, visit.endpoint, visit.call, visit.params, visit.entry)
    for fault in visit.faults:
        reply = fault.transform(reply)
    return reply


def note_answer(visit: Visit, reply: Reply) -> None:
    """Take note of what is about to be sent."""
    if visit.entry and not (reply.hang or reply.drop):
        visit.entry.status, visit.entry.answer = reply.status, reply.body


def _handle(exchange: Exchange, endpoint: Endpoint, call: Call, params: Params, entry: Entry | None) -> Reply:
    now_ms = exchange.now_ms()
    caller = call.api_key or call.address
    limited = exchange.limiter.admit(caller, endpoint.weight, now_ms, is_order=endpoint.counts_as_order)
    refused_with = limited.refusal.http_status if limited and exchange.settings.limits else None
    exchange.ledger.traffic.append(Passage(call.received_ns, caller, endpoint.name, endpoint.weight, refused_with))
    if limited and exchange.settings.limits:
        exchange.ledger.refusals[endpoint.name] += 1
        return _limited(limited, exchange.settings.retry_after)
    try:
        if endpoint.signed:
            _authenticate(exchange, endpoint, call, params)
        exchange.market.advance(now_ms)
        answer = endpoint.answer(exchange, params, now_ms)
    except RefusedError as error:
        return Reply.refusing(error.refusal)
    if isinstance(answer, Order):
        assert entry is not None
        entry.order = answer
        answer = ack_row(answer)
    return Reply(body=answer if isinstance(answer, bytes) else msgspec.json.encode(answer))


def _authenticate(exchange: Exchange, endpoint: Endpoint, call: Call, params: Params) -> None:
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


def _limited(limited: Limited, form: RetryAfter) -> Reply:
    refused, seconds = Reply.refusing(limited.refusal), limited.retry_after_seconds
    if form == "date":
        return replace(refused, retry_after_date_in=seconds)
    return replace(refused, retry_after=str(seconds) if form == "seconds" else None)
