"""The sign-in page: one file of HTML and one of CSS, and no script."""

import html
from pathlib import Path
from typing import Final

from starlette.responses import HTMLResponse

FOLDER: Final = Path(__file__).parent
PAGE: Final = (FOLDER / "sign_in.html").read_text(encoding="utf-8")
STYLE: Final = (FOLDER / "sign_in.css").read_text(encoding="utf-8")
PLACE: Final = "<!-- message -->"


def sign_in(message: str = "", *, status: int = 200) -> HTMLResponse:
    """Return the page, with *message* if there is one."""
    alert = f'<p role="alert">{html.escape(message)}</p>' if message else ""
    return HTMLResponse(PAGE.replace(PLACE, alert), status_code=status)
