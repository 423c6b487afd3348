"""Installation of the middlewares in their order, from the outermost, which sees all responses, to the body limit."""

from fastapi import FastAPI

from api.access import routes
from api.access.access_control import AccessControl
from api.access.middleware import openapi
from api.access.middleware.authentication import Authentication
from api.access.middleware.body_limit import BodyLimit
from api.access.middleware.failures import ErrorResponses
from api.access.middleware.headers import SecurityHeaders
from api.access.middleware.hosts import TrustedRequests
from api.access.middleware.request_id import RequestIds


def install(app: FastAPI, access: AccessControl) -> None:
    """Add the middlewares to *app*, the last one outermost, and the routes of sessions."""
    app.state.access = access
    app.add_middleware(BodyLimit)
    app.add_middleware(Authentication, authenticator=access.authenticator, origins=access.origins)
    app.add_middleware(TrustedRequests, origins=access.origins)
    app.add_middleware(ErrorResponses)
    app.add_middleware(RequestIds)
    app.add_middleware(SecurityHeaders)
    routes.add(app)
    openapi.describe(app)
