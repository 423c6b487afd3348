"""Redaction of secrets: by the name of their key, by known value, and by form."""

import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from pydantic import SecretStr
from structlog.typing import EventDict, WrappedLogger

from shared.settings import Settings

MASK: Final = "***"
VALUE_CHARACTERS_MIN: Final = 6
"""A shorter secret may occur within other words; it is hidden by its key and in URLs only."""

_KEY: Final = re.compile(
    r"(token|secret|passw(or)?d|api[_-]?key|listen[_-]?key|authorization|cookie|signature|credentials?)$", re.IGNORECASE
)
_OURS: Final = re.compile(r"sn[tsl]_[0-9a-f]{16}\.[A-Za-z0-9_-]*", re.IGNORECASE)
"""Tokens, sessions and links of the API (`api.access.credentials`), whole or truncated."""
_IN_URL: Final = re.compile(r"(://[^\s:/@]*:)[^\s@]*@")
_SIGNED: Final = re.compile(r"(signature=)[0-9a-fA-F]+")
_LISTENING: Final = re.compile(r"(listenKey=)[^\s&'\"]+", re.IGNORECASE)
"""In requests about the private stream, and in its URL."""


def hidden_by_form(text: str) -> str:
    """Return *text* without tokens of the API, passwords in URLs, listenKeys, and signatures of requests."""
    unsigned = _SIGNED.sub(rf"\1{MASK}", _LISTENING.sub(rf"\1{MASK}", text))
    return _IN_URL.sub(rf"\1{MASK}@", _OURS.sub(MASK, unsigned))


class Redaction:
    """structlog processor that redacts secrets; exceptions must have been formatted before."""

    def __init__(self, values: Collection[str] = ()) -> None:
        known = sorted({each for each in values if len(each) >= VALUE_CHARACTERS_MIN}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return {key: self._redacted(key, value) for key, value in event.items()}

    def hidden(self, text: str) -> str:
        """Return *text* without any known secret or text in the form of one."""
        return hidden_by_form(text if self._known is None else self._known.sub(MASK, text))

    def _redacted(self, key: str, value: object) -> object:
        if value is None or isinstance(value, bool | int | float):
            return value
        if _KEY.search(key):
            return MASK
        match value:
            case str():
                return self.hidden(value)
            case Mapping():
                return {self.hidden(str(name)): self._redacted(str(name), each) for name, each in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self._redacted("", each) for each in value]
            case _:
                shown = repr(value)
                hidden = self.hidden(shown)
                return value if hidden == shown else hidden


def values_of(many: Iterable[Settings]) -> frozenset[str]:
    """Return every secret value in *many* settings, and PGPASSWORD."""
    found = {os.environ.get("PGPASSWORD", "")}
    for settings in many:
        for name in type(settings).model_fields:
            value = getattr(settings, name)
            if isinstance(value, SecretStr):
                found.update(_values_in(value.get_secret_value()))
    return frozenset(found - {""})


def _values_in(secret: str) -> Iterator[str]:
    """Yield the secret values in *secret*: of a URL its passwords, encoded and decoded."""
    if "://" not in secret:
        yield secret
        return
    parts = urlsplit(secret)
    in_query = [value for name, value in parse_qsl(parts.query) if _KEY.search(name)]
    for value in filter(None, [parts.password, *in_query]):
        yield from (value, unquote(value), quote(unquote(value), safe=""))
