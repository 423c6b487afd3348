"""Content negotiation of lists by the Accept header (RFC 9110, section 12.5.1). Pure."""

from typing import Final

from api.reading.lists.export import MEDIA_TYPE as CSV

JSON: Final = "application/json"


def prefers_csv(accept: str | None) -> bool:
    """Return whether *accept* prefers CSV to JSON, which is the default."""
    qualities = dict(_quality(part) for part in (accept or "").lower().split(","))
    anything = qualities.get("*/*", 0.0)
    json = qualities.get(JSON, qualities.get("application/*", anything))
    return qualities.get(CSV, qualities.get("text/*", 0.0)) > json


def _quality(part: str) -> tuple[str, float]:
    """Return the media type of one *part*, and its quality; 0 if that is unreadable."""
    media_type, *parameters = (each.strip() for each in part.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return media_type, float(value)
            except ValueError:
                return media_type, 0.0
    return media_type, 1.0
