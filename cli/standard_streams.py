"""The standard streams of the command: closed, full or unreadable ones end in a sentence, if at all."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from typing import Final, NoReturn

_FAILURE: Final = 1
_UNWRITABLE: Final = frozenset({errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EIO})


@contextmanager
def standing() -> Iterator[None]:
    """Have every stream open and able to write any character; exit with code 1 where output cannot be written."""
    _open_closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        yield
        sys.stdout.flush()
    except BaseException as error:
        if failure := _failure_to_write(any(_may_be_output(error))):
            _leave(failure)
        raise


def _may_be_output(error: BaseException) -> Iterator[bool]:
    """Yield of each error in *error* whether it may be one of a stream, or of a socket."""
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _may_be_output(each)
    else:
        yield isinstance(error, OSError) and error.errno in _UNWRITABLE and error.filename is None


def _failure_to_write(is_suspected: bool) -> OSError | None:
    """Return why standard output takes nothing; one that *is_suspected* has lost its text, and gets a line break."""
    try:
        sys.stdout.flush()
        if is_suspected:
            os.write(1, b"\n")
    except OSError as error:
        return error
    return None


def _open_closed() -> None:
    """Open closed streams on /dev/null, since uvloop aborts where one of its own files gets the number of a stream."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # The lowest free number, which is this one.
    nowhere = Path(os.devnull)
    # Python itself has None for a stream that was closed.
    sys.stdin = sys.stdin or nowhere.open("r")
    sys.stdout = sys.stdout or nowhere.open("w")
    sys.stderr = sys.stderr or nowhere.open("w")


def _leave(failure: OSError) -> NoReturn:
    """Exit with a sentence; a reader that is gone needs none."""
    if failure.errno != errno.EPIPE:
        with suppress(OSError):
            print(f"standard output cannot be written: {failure.strerror}", file=sys.stderr, flush=True)
    # The interpreter would try again as it ends.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(_FAILURE)
