"""Security schemes in the OpenAPI document: a token or a session for all but open routes."""

from typing import Any, Final

from fastapi import FastAPI

from api.access.middleware.authentication import OPEN

SCHEMES: Final[dict[str, Any]] = {
    "token": {"type": "http", "scheme": "bearer", "description": "As `sniper token create NAME` prints it"},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "sniper_session_8000",
        "description": "A browser's; the name holds the port, and is __Host-sniper_session over TLS",
    },
}


def describe(app: FastAPI) -> None:
    """Add the security schemes to the document of *app*."""
    without = app.openapi

    def openapi() -> dict[str, Any]:
        document = without()
        document.setdefault("components", {})["securitySchemes"] = SCHEMES
        document["security"] = [{name: []} for name in SCHEMES]
        for method, path in OPEN:
            operation = document["paths"].get(path, {}).get(method.lower())
            if operation is not None:
                operation["security"] = []
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way
