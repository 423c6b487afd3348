"""The form of every error."""

from pydantic import JsonValue

from api.schemas.base import Answer


class Problem(Answer):
    """Error of a refused request."""

    code: str
    """For programs; never changes."""
    message: str
    """For people."""
    details: dict[str, JsonValue] = {}  # noqa: RUF012 - copied by pydantic
    """``fields`` of a 422: ``field`` and ``message`` of each."""
