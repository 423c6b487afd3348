"""Calls noted by the moment, and reported once nothing waits for the processor."""

import asyncio
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Final

from bench.floor.messaging import print_stamp

AFTER_SECONDS: Final = 0.05
"""Between the last moment and its report, which takes processor time."""


def before(owner: type, method: str, note: Callable[..., None]) -> None:
    """Have *note* called with the arguments of each call of a *method*, before it."""
    original = getattr(owner, method)

    @wraps(original)
    def noted(*arguments: Any, **options: Any) -> Any:
        note(*arguments)
        return original(*arguments, **options)

    setattr(owner, method, noted)


def report_soon(name: str, moments_ns: Mapping[str, int]) -> None:
    """Report each of the moments of *name* to the parent process, after a while."""
    asyncio.get_running_loop().call_later(AFTER_SECONDS, _report, name, moments_ns)


def _report(name: str, moments_ns: Mapping[str, int]) -> None:
    for stage, moment_ns in moments_ns.items():
        print_stamp(f"{name}/{stage}", moment_ns)
