"""Log lines of libraries in our format: one line with its meaning, instead of theirs with tracebacks."""

import logging
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import structlog

MEANINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "aio_pika": "a call to the broker did not end as it should; it is made again",
        "aiormq": "a connection to the broker was refused or lost; it is made again",
        "asyncio": "a background task ended with an error that nothing waited for",
        "asyncpg": "a connection to the database was lost; another is made when it is needed",
        "sqlalchemy": "a connection to the database was lost; another is made when it is needed",
        "uvicorn": "a request to the API was not answered as it should",
        "websockets": "a stream of the exchange was interrupted; it is opened again",
    }
)
"""Meanings of the libraries' log lines: the errors themselves also reach us, and are handled."""
OTHERS: Final = "a library reports"
OUTAGES: Final = ("aio_pika", "aiormq", "asyncpg", "pamqp", "sqlalchemy", "websockets", "httpx", "httpcore")
TEXT_CHARACTERS_MAX: Final = 300

_PASSWORD: Final = re.compile(r"(://[^\s:/@]*:)[^\s@]*@")


class LibraryLog(logging.Handler):
    """Forwards each record as one line of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log *record*; with a traceback only where the error is no outage, and so may be a bug of ours."""
        error = record.exc_info[1] if record.exc_info else None
        fields: dict[str, object] = {"library": record.name, "message": _shown(_message(record))}
        if error is not None:
            fields["reason"] = _shown(f"{type(error).__name__}: {error}")
            if not is_outage(error):
                fields["exc_info"] = error
        log = structlog.get_logger()
        write = log.error if record.levelno >= logging.ERROR else log.warning
        write(MEANINGS.get(record.name.partition(".")[0], OTHERS), **fields)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError):
        return str(record.msg)  # Arguments that do not fit: a bug of the library.


def is_outage(error: BaseException) -> bool:
    """Return whether *error* comes from an outage outside."""
    return isinstance(error, OSError | TimeoutError) or type(error).__module__.partition(".")[0] in OUTAGES


def _shown(text: str) -> str:
    """Return the first line, without passwords of URLs."""
    line = text.strip().partition("\n")[0]
    return _PASSWORD.sub(r"\1***@", line)[:TEXT_CHARACTERS_MAX]


def redirect() -> None:
    """Redirect all libraries' logs to us, from warnings on; earlier handlers of ours are replaced."""
    root = logging.getLogger()
    release()
    root.addHandler(LibraryLog(logging.WARNING))


def release() -> None:
    """Undo `redirect`."""
    root = logging.getLogger()
    for handler in [each for each in root.handlers if isinstance(each, LibraryLog)]:
        root.removeHandler(handler)
