"""Times in requests: as RFC 3339 writes them, never numbers, which would be read as seconds since 1970."""

import re
from typing import Annotated, Final

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from shared.events import Utc

_NUMBER: Final = re.compile(r"[+-]?[0-9.]+")


def refuse_numbers(value: object) -> object:
    """Return *value* unless it is a number, or the text of one."""
    if isinstance(value, int | float) or (isinstance(value, str) and _NUMBER.fullmatch(value)):
        message = "must be a time as RFC 3339 writes it, like 2026-03-01T00:00:00Z"
        raise PydanticCustomError("time_number", message)
    return value


RequestTime = Annotated[Utc, BeforeValidator(refuse_numbers)]
