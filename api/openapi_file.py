"""The OpenAPI document, as `make contract` wrote it.

Generating it takes nine megabytes that a process does not release, and it is the same for every process of a build.
"""

from pathlib import Path
from typing import Annotated, Final

from fastapi import Depends, FastAPI
from starlette.responses import Response

from api.access.dependencies import view
from api.access.principal import Principal

FILE: Final = Path(__file__).with_name("openapi.json")


def add(app: FastAPI) -> None:
    """Serve the document in *app*."""
    content = FILE.read_bytes()

    async def get_description(_: Annotated[Principal, Depends(view)]) -> Response:
        return Response(content, media_type="application/json")

    app.get("/openapi.json", include_in_schema=False)(get_description)
