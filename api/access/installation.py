"""Everything around the routes, in its order: from the outermost, which sees all responses, to the limit on bodies."""

from fastapi import FastAPI

from api.access import openapi, routes
from api.access.body_limit import BodyLimit
from api.access.failures import Failures
from api.access.gate import Gate
from api.access.headers import SecurityHeaders
from api.access.hosts import TrustedRequests
from api.access.parts import Access
from api.access.request_id import RequestIds


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
