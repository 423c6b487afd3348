"""Control endpoints under /_sim: list and change symbols, arm faults, read the request log."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import msgspec
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulator.exchange import Exchange
from simulator.faults.registry import KINDS, ArmedFault
from simulator.market.funding import Funding
from simulator.market.listings import ListingRequest, SymbolChange, apply_change
from simulator.market.price import last_price
from simulator.request_log import OrderEntry
from simulator.rest.fault_requests import FaultRequest, InvalidFieldError, armed_fault
from simulator.rest.json_rows import exposure_history_row, trade_rows
from simulator.rest.traffic import request_row, window_rows
from simulator.stream.hub import Hub
from simulator.stream.ticks import Ticks
from simulator.symbols import Instrument, plain

Answer = Callable[[Request], Awaitable[Response]]
M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Control:
    exchange: Exchange
    hub: Hub

    def routes(self) -> list[Route]:
        table: list[tuple[str, str, Answer]] = [
            ("POST", "/symbols", self.list_symbol),
            ("GET", "/symbols/{symbol}", self.show_symbol),
            ("PATCH", "/symbols/{symbol}", self.change_symbol),
            ("DELETE", "/symbols/{symbol}", self.remove_symbol),
            ("POST", "/symbols/{symbol}/ticks", self.script_ticks),
            ("DELETE", "/symbols/{symbol}/ticks", self.unscript_ticks),
            ("POST", "/newcomers", self.list_newcomer),
            ("GET", "/prices", self.show_prices),
            ("GET", "/orders", self.show_orders),
            ("GET", "/spending", self.show_spending),
            ("GET", "/requests", self.show_requests),
            ("GET", "/traffic", self.show_traffic),
            ("GET", "/weights", self.show_weights),
            ("GET", "/refusals", self.show_refusals),
            ("GET", "/streams", self.show_streams),
            ("PATCH", "/account", self.fund_account),
            ("POST", "/faults", self.arm_fault),
            ("GET", "/faults", self.show_faults),
            ("DELETE", "/faults", self.disarm_faults),
            ("DELETE", "/faults/{fault}", self.disarm_fault),
        ]
        return [Route(path, self._saving(answer), methods=[method]) for method, path, answer in table]

    def _saving(self, answer: Answer) -> Answer:
        async def saved(request: Request) -> Response:
            response = await answer(request)
            self.exchange.save()
            self.hub.push_account()
            return response

        return saved

    async def list_symbol(self, request: Request) -> Response:
        wanted = await _read(request, ListingRequest)
        if self.exchange.market.catalogue.get(wanted.symbol):
            return _problem(409, "symbol", "already listed")
        now_ms = self.exchange.now_ms()
        return _json(_symbol_row(self.exchange.list_symbol(wanted, now_ms), now_ms), 201)

    async def list_newcomer(self, _: Request) -> Response:
        now_ms = self.exchange.now_ms()
        return _json(_symbol_row(self.exchange.list_newcomer(now_ms), now_ms), 201)

    async def show_prices(self, request: Request) -> Response:
        """Answer the last prices of those named symbols that are listed."""
        now_ms, catalogue = self.exchange.now_ms(), self.exchange.market.catalogue
        named = request.query_params.get("symbols", "").split(",")
        found = (each for symbol in named if (each := catalogue.listed(symbol, now_ms)))
        return _json({each.symbol: plain(last_price(each, now_ms)) for each in found})

    async def show_symbol(self, request: Request) -> Response:
        instrument = self._instrument(request)
        return _json(_symbol_row(instrument, self.exchange.now_ms())) if instrument else _unlisted()

    async def change_symbol(self, request: Request) -> Response:
        change = await _read(request, SymbolChange)
        instrument = self._instrument(request)
        if instrument is None:
            return _unlisted()
        now_ms = self.exchange.now_ms()
        instrument = apply_change(instrument, change, now_ms)
        self.exchange.market.catalogue.put(instrument)
        if change.scripts_book:
            self.exchange.market.refill(instrument.symbol)
        return _json(_symbol_row(instrument, now_ms))

    async def remove_symbol(self, request: Request) -> Response:
        instrument = self._instrument(request)
        if instrument is None:
            return _unlisted()
        self.exchange.market.catalogue.remove(instrument.symbol, self.exchange.now_ms())
        return Response(status_code=204)

    async def script_ticks(self, request: Request) -> Response:
        """Push given ticks, and answer how many were sent, to all connections together."""
        script = await _read(request, Ticks)
        return _json({"sent": self.hub.script(request.path_params["symbol"], script.ticks)})

    async def unscript_ticks(self, request: Request) -> Response:
        self.hub.unscript(request.path_params["symbol"])
        return Response(status_code=204)

    async def show_orders(self, _: Request) -> Response:
        self.exchange.market.advance(self.exchange.now_ms())
        return _json([_order_entry(each) for each in self.exchange.request_log.entries])

    async def show_spending(self, _: Request) -> Response:
        self.exchange.market.advance(self.exchange.now_ms())
        return _json(exposure_history_row(self.exchange.market.deals, self.exchange.request_log))

    async def show_requests(self, _: Request) -> Response:
        return _json(dict(self.exchange.request_log.requests))

    async def show_traffic(self, _: Request) -> Response:
        return _json([request_row(each) for each in self.exchange.request_log.traffic])

    async def show_weights(self, request: Request) -> Response:
        seconds = request.query_params.get("seconds", "10")
        if not seconds.isdecimal() or int(seconds) < 1:
            return _problem(422, "seconds", "a whole number from 1")
        return _json(window_rows(self.exchange.request_log.traffic, int(seconds)))

    async def show_refusals(self, _: Request) -> Response:
        return _json(dict(self.exchange.request_log.refusals))

    async def show_streams(self, _: Request) -> Response:
        return _json(self.hub.subscriptions())

    async def fund_account(self, request: Request) -> Response:
        funding = await _read(request, Funding)
        for asset, amount in funding.balances.items():
            self.exchange.market.fund(asset, amount)
        return _json({asset: plain(each.free) for asset, each in self.exchange.market.wallet.balances().items()})

    async def arm_fault(self, request: Request) -> Response:
        fault = armed_fault(await _read(request, FaultRequest))
        self.exchange.faults.arm(fault)
        self.hub.act_at_once()
        return _json(_fault_row(fault), 201)

    async def show_faults(self, _: Request) -> Response:
        known = [{"fault": each.name, "summary": each.summary, "options": each.options} for each in KINDS.values()]
        return _json({"armed": [_fault_row(each) for each in self.exchange.faults.armed()], "known": known})

    async def disarm_faults(self, _: Request) -> Response:
        self.exchange.faults.disarm()
        return Response(status_code=204)

    async def disarm_fault(self, request: Request) -> Response:
        name = request.path_params["fault"]
        if name not in KINDS:
            return _problem(404, "fault", "unknown")
        self.exchange.faults.disarm(name)
        return Response(status_code=204)

    def _instrument(self, request: Request) -> Instrument | None:
        return self.exchange.market.catalogue.get(request.path_params["symbol"])


async def answer_invalid(_: Request, error: Exception) -> Response:
    """Answer an invalid control request with 422, naming its fields."""
    if isinstance(error, InvalidFieldError):
        return _problem(422, error.field, error.message)
    if isinstance(error, ValidationError):
        problems = [
            {"field": ".".join(str(part) for part in each["loc"]) or "body", "message": each["msg"]}
            for each in error.errors(include_url=False, include_context=False, include_input=False)
        ]
        return _json({"detail": problems}, 422)
    raise error


async def _read(request: Request, model: type[M]) -> M:
    return model.model_validate_json(await request.body())


def _json(content: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")


def _problem(status: int, field: str, message: str) -> Response:
    return _json({"detail": [{"field": field, "message": message}]}, status)


def _unlisted() -> Response:
    return _problem(404, "symbol", "not listed")


def _symbol_row(instrument: Instrument, now_ms: int) -> dict[str, object]:
    return {
        "symbol": instrument.symbol,
        "phase": instrument.phase(now_ms),
        "price": plain(instrument.price),
        "last_price": plain(last_price(instrument, now_ms)),
        "scenario": instrument.scenario,
        "api": instrument.api_allowed,
        "listed_at_ms": instrument.listed_at_ms,
        "first_open_time_ms": instrument.first_open_time_ms,
        "opens_at_ms": instrument.opens_at_ms,
    }


def _order_entry(entry: OrderEntry) -> dict[str, object]:
    order = entry.order
    return {
        "received_at_ns": entry.received_ns,
        "received_exchange_ns": entry.received_exchange_ns,
        "test": entry.is_test,
        "client_order_id": entry.parameters.get("newClientOrderId"),
        "symbol": entry.parameters.get("symbol"),
        "side": entry.parameters.get("side"),
        "type": entry.parameters.get("type"),
        "parameters": {name: value for name, value in entry.parameters.items() if name != "signature"},
        "accepted": order is not None,
        "order_id": order.order_id if order else None,
        "order_status": order.status if order else None,
        "fills": trade_rows(order) if order else [],
        "status": entry.status,
        "answer": entry.answer.decode(errors="replace") if entry.answer is not None else None,
    }


def _fault_row(fault: ArmedFault) -> dict[str, object]:
    return {
        "fault": fault.kind.name,
        "endpoint": fault.endpoint,
        "remaining": fault.remaining,
        "taken": fault.taken,
        "symbol": fault.options.symbol,
        "side": fault.options.side,
        "options": {name: getattr(fault.options, name) for name in fault.kind.options},
    }
