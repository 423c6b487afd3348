"""Request parameters, parsed strictly: an invalid one is refused by name."""

from decimal import Decimal, InvalidOperation
from urllib.parse import parse_qsl

from simulator.market import error_responses
from simulator.market.error_responses import RefusedError


class Params:
    def __init__(self, values: dict[str, str]) -> None:
        self._values = values

    @classmethod
    def parse(cls, query: str, body: str) -> "Params":
        """Parse both; a parameter of the query takes precedence."""
        return cls(dict(parse_qsl(body)) | dict(parse_qsl(query)))

    def as_dict(self) -> dict[str, str]:
        return dict(self._values)

    def text(self, name: str) -> str | None:
        return self._values.get(name)

    def required(self, name: str) -> str:
        if value := self._values.get(name):
            return value
        raise RefusedError(error_responses.missing(name))

    def decimal(self, name: str) -> Decimal | None:
        text = self._values.get(name)
        if text is None:
            return None
        try:
            return Decimal(text)
        except InvalidOperation as error:
            raise RefusedError(error_responses.illegal(name)) from error

    def whole(self, name: str, default: int, maximum: int) -> int:
        """Return a whole number from 1, capped at *maximum*."""
        text = self._values.get(name)
        if text is None:
            return default
        if not text.isdecimal() or int(text) < 1:
            raise RefusedError(error_responses.illegal(name))
        return min(int(text), maximum)
