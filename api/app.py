"""The HTTP application: routes, access, error responses, metrics."""

from collections.abc import Mapping
from importlib.metadata import version
from types import MappingProxyType
from typing import Any, Final

from fastapi import FastAPI

from api import error_handlers, openapi_file
from api.access.access_control import build_access_control
from api.access.middleware import installation
from api.app_state import AppState
from api.dashboard import files as dashboard
from api.fast_routes import FastRoutes
from api.head_requests import HeadAsGet
from api.metrics import RequestMetrics
from api.reading import routes as reading_routes
from api.reading.lists import list_routes
from api.schemas import Problem
from api.settings import ApiSettings
from api.streaming import routes as streaming_routes
from api.writing import config_routes, exit_routes, injection_routes, order_routes, trading_routes, unplaced_routes

REFUSALS: Final[Mapping[int, str]] = MappingProxyType(
    {
        400: "The request cannot be read in one way",
        401: "A token or a session is needed",
        403: "The token may only view, or a page of another origin asks",
        408: "The body came too slowly",
        413: "The body is too large",
        421: "The host is not known here",
        422: "A parameter or field does not fit",
        431: "The head of the request is too large",
        429: "Too many requests, or too many failed attempts",
        500: "A fault of ours",
        503: "The database is away",
    }
)
"""Refusals possible on any path."""


def create_app(state: AppState, settings: ApiSettings, *, described: bool = False) -> FastAPI:
    """Build the application on *state*; *described*, it can generate its OpenAPI document.

    What is served has that as a file: the models of every refusal of every route are two thirds of building the routes.
    """
    database = state.runtime.database
    app = FastAPI(
        title="MEXC listing sniper",
        version=version("mexc-listing-sniper"),
        openapi_url=None,
        responses=_refusals() if described else None,
    )
    app.state.database = database
    app.state.shared = state
    app.add_middleware(FastRoutes, routes=list_routes.router.routes)
    installation.install(app, build_access_control(settings, database))
    app.add_middleware(RequestMetrics, registry=state.runtime.telemetry.registry)
    app.add_middleware(HeadAsGet)
    error_handlers.install(app)
    app.include_router(reading_routes.probes)
    reading = (reading_routes, list_routes, streaming_routes)
    writing = (config_routes, trading_routes, exit_routes, order_routes, unplaced_routes, injection_routes)
    for routes in (*reading, *writing):
        app.include_router(routes.router)
    openapi_file.add(app)
    dashboard.add(app)
    return app


def _refusals() -> dict[int | str, dict[str, Any]]:
    return {status: {"model": Problem, "description": words} for status, words in REFUSALS.items()}
