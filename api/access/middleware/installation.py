"""Everything around the routes, in its order: from the outermost, which sees all responses, to the limit on bodies."""

from fastapi import FastAPI

from api.access import routes
from api.access.middleware import openapi
from api.access.middleware.body_limit import BodyLimit
from api.access.middleware.failures import Failures
from api.access.middleware.gate import Gate
from api.access.middleware.headers import SecurityHeaders
from api.access.middleware.hosts import TrustedRequests
from api.access.middleware.request_id import RequestIds
from api.access.parts import Access


def install(app: FastAPI, access: Access) -> None:
    """Put the middlewares around *app*, the last one added outermost, and the routes of sessions into it."""
    app.state.access = access
    app.add_middleware(BodyLimit)
    app.add_middleware(Gate, authenticator=access.authenticator, origins=access.origins)
    app.add_middleware(TrustedRequests, origins=access.origins)
    app.add_middleware(Failures)
    app.add_middleware(RequestIds)
    app.add_middleware(SecurityHeaders)
    routes.add(app)
    openapi.describe(app)
