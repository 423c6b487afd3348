"""The simulation's own endpoints under /_sim: list and change symbols, arm faults, read what was received."""

from dataclasses import dataclass
from typing import TypeVar

import msgspec
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulator.decimals import plain
from simulator.exchange import Exchange
from simulator.faults import KINDS, WEBSOCKET, Armed
from simulator.funding import Funding
from simulator.instrument import Instrument
from simulator.ledger import Entry
from simulator.listings import ListingRequest, SymbolChange, changed
from simulator.rest.arming import FaultRequest, InvalidError, armed
from simulator.rest.rows import spending_row, trade_rows
from simulator.stream.hub import Hub

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Control:
    exchange: Exchange
    hub: Hub

    def routes(self) -> list[Route]:
        return [
            Route("/symbols", self.list_symbol, methods=["POST"]),
            Route("/symbols/{symbol}", self.show_symbol, methods=["GET"]),
            Route("/symbols/{symbol}", self.change_symbol, methods=["PATCH"]),
            Route("/symbols/{symbol}", self.remove_symbol, methods=["DELETE"]),
            Route("/orders", self.show_orders, methods=["GET"]),
            Route("/spending", self.show_spending, methods=["GET"]),
            Route("/requests", self.show_requests, methods=["GET"]),
            Route("/refusals", self.show_refusals, methods=["GET"]),
            Route("/account", self.fund_account, methods=["PATCH"]),
            Route("/faults", self.arm_fault, methods=["POST"]),
            Route("/faults", self.show_faults, methods=["GET"]),
            Route("/faults", self.disarm_faults, methods=["DELETE"]),
            Route("/faults/{fault}", self.disarm_fault, methods=["DELETE"]),
        ]

    async def list_symbol(self, request: Request) -> Response:
        wanted = await _read(request, ListingRequest)
        if self.exchange.market.catalogue.get(wanted.symbol):
            return _problem(409, "symbol", "already listed")
        now_ms = self.exchange.now_ms()
        return _json(_symbol_row(self.exchange.list_symbol(wanted, now_ms), now_ms), 201)

    async def show_symbol(self, request: Request) -> Response:
        instrument = self._instrument(request)
        return _json(_symbol_row(instrument, self.exchange.now_ms())) if instrument else _unlisted()

    async def change_symbol(self, request: Request) -> Response:
        change = await _read(request, SymbolChange)
        instrument = self._instrument(request)
        if instrument is None:
            return _unlisted()
        now_ms = self.exchange.now_ms()
        instrument = changed(instrument, change, now_ms)
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

    async def show_orders(self, _: Request) -> Response:
        return _json([_order_entry(each) for each in self.exchange.ledger.entries])

    async def show_spending(self, _: Request) -> Response:
        return _json(spending_row(self.exchange.market.deals, self.exchange.ledger))

    async def show_requests(self, _: Request) -> Response:
        return _json(dict(self.exchange.ledger.requests))

    async def show_refusals(self, _: Request) -> Response:
        return _json(dict(self.exchange.ledger.refusals))

    async def fund_account(self, request: Request) -> Response:
        funding = await _read(request, Funding)
        for asset, amount in funding.balances.items():
            self.exchange.market.wallet.fund(asset, amount)
        return _json({asset: plain(each.free) for asset, each in self.exchange.market.wallet.balances().items()})

    async def arm_fault(self, request: Request) -> Response:
        fault = armed(await _read(request, FaultRequest))
        self.exchange.faults.arm(fault)
        if self.exchange.faults.take("ws_disconnect", WEBSOCKET):
            self.hub.disconnect()
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


async def invalid(_: Request, error: Exception) -> Response:
    """A bad control request is answered with 422, naming its fields."""
    if isinstance(error, InvalidError):
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
        "api": instrument.api_allowed,
        "listed_at_ms": instrument.listed_at_ms,
        "first_open_time_ms": instrument.first_open_time_ms,
        "opens_at_ms": instrument.opens_at_ms,
    }


def _order_entry(entry: Entry) -> dict[str, object]:
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


def _fault_row(fault: Armed) -> dict[str, object]:
    return {
        "fault": fault.kind.name,
        "endpoint": fault.endpoint,
        "remaining": fault.remaining,
        "taken": fault.taken,
        "options": {name: getattr(fault.options, name) for name in fault.kind.options},
    }
