"""Imports kept out of a service, to save memory."""

import sys
from typing import Final

RICH: Final = "rich"
"""Imported by structlog for tracebacks in colour, which no service prints: five megabytes."""


def import_structlog_without_rich() -> None:
    """Import structlog as if rich was not installed; must precede any other import of either."""
    if RICH in sys.modules or "structlog" in sys.modules:
        return
    sys.modules[RICH] = None  # type: ignore[assignment]  # the import system's mark for a module that cannot be found
    try:
        import structlog.dev  # noqa: F401, PLC0415
    finally:
        del sys.modules[RICH]
