"""What a service need not carry."""

import sys
from typing import Final

COLOURS: Final = "rich"
"""structlog takes it for tracebacks in colour, which no service prints: five megabytes."""


def import_structlog_alone() -> None:
    """Import structlog as if rich was not installed; to be called before anything else imports either."""
    if COLOURS in sys.modules or "structlog" in sys.modules:
        return
    sys.modules[COLOURS] = None  # type: ignore[assignment]  # as the import system has it: not to be found
    try:
        import structlog.dev  # noqa: F401, PLC0415
    finally:
        del sys.modules[COLOURS]
