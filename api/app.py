"""The HTTP application: routes, failures, metrics."""

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from api import problems, routes
from api.metrics import RequestMetrics
from api.schemas import Problem
from shared.database import Database


def create_app(database: Database, registry: CollectorRegistry) -> FastAPI:
    """Return the application that answers from *database*."""
    app = FastAPI(
        title="MEXC listing sniper",
        version=version("mexc-listing-sniper"),
        docs_url=None,
        redoc_url=None,
        responses={422: {"model": Problem}, 503: {"model": Problem, "description": "The database is away"}},
    )
    app.state.database = database
    app.add_middleware(RequestMetrics, registry=registry)
    problems.install(app)
    endpoints: dict[str, Callable[..., Any]] = {
        "/health": routes.get_health,
        "/listings": routes.get_listings,
        "/trades": routes.get_trades,
        "/orders": routes.get_orders,
        "/positions": routes.get_positions,
        "/config": routes.get_config,
    }
    for path, endpoint in endpoints.items():
        app.get(path)(endpoint)
    return app
