"""The dashboard's files, read once, each served with an ETag of its content."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Final

from fastapi import Depends, FastAPI, Request
from starlette.responses import Response

from api.access.dependencies import view
from api.access.principal import Principal
from api.error_handlers import ApiError

FOLDER: Final = Path(__file__).parent / "static"
MEDIA_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
)
PAGE: Final = "index.html"
CACHING: Final = "no-cache"
"""Cached by the browser and revalidated: after an upgrade no page runs modules of two versions."""


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    media_type: str
    etag: str


def add(app: FastAPI) -> None:
    """Add the page and its files to *app*."""
    files = {}
    for path in sorted(each for each in FOLDER.iterdir() if each.suffix in MEDIA_TYPES):
        content = path.read_bytes()
        etag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
        files[path.name] = _File(content, MEDIA_TYPES[path.suffix], etag)

    async def get_page(request: Request, _: Annotated[Principal, Depends(view)]) -> Response:
        return _answer(request, files[PAGE])

    async def get_file(name: str, request: Request, _: Annotated[Principal, Depends(view)]) -> Response:
        if name not in files:
            raise ApiError(404, "not_found", "the dashboard has no such file")
        return _answer(request, files[name])

    app.get("/", include_in_schema=False)(get_page)
    app.get("/dashboard/{name}", include_in_schema=False)(get_file)


def _answer(request: Request, file: _File) -> Response:
    headers = {"ETag": file.etag, "Cache-Control": CACHING}
    if file.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(file.content, media_type=file.media_type, headers=headers)
