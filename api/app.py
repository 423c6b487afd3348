"""The HTTP application: routes, access, failures, metrics."""

from collections.abc import Mapping
from importlib.metadata import version
from types import MappingProxyType
from typing import Final

from fastapi import FastAPI

from api import description, error_handlers
from api.access.middleware import installation
from api.access.parts import access_of
from api.dashboard import files as dashboard
from api.direct import DirectRoutes
from api.head import HeadAsGet
from api.metrics import RequestMetrics
from api.parts import Parts
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
"""Refusals that any path may answer with."""


def create_app(parts: Parts, settings: ApiSettings) -> FastAPI:
    """Return the application that answers from *parts*."""
    database = parts.runtime.database
    app = FastAPI(
        title="MEXC listing sniper",
        version=version("mexc-listing-sniper"),
        openapi_url=None,
        responses={status: {"model": Problem, "description": words} for status, words in REFUSALS.items()},
    )
    app.state.database = database
    app.state.parts = parts
    app.add_middleware(DirectRoutes, routes=list_routes.router.routes)
    installation.install(app, access_of(settings, database))
    app.add_middleware(RequestMetrics, registry=parts.runtime.telemetry.registry)
    app.add_middleware(HeadAsGet)
    error_handlers.install(app)
    app.include_router(reading_routes.probes)
    reading = (reading_routes, list_routes, streaming_routes)
    writing = (config_routes, trading_routes, exit_routes, order_routes, unplaced_routes, injection_routes)
    for routes in (*reading, *writing):
        app.include_router(routes.router)
    description.add(app)
    dashboard.add(app)
    return app
