"""Data directory of a private server."""

import os
import shutil
import tempfile
from pathlib import Path

_MEMORY = Path("/dev/shm")
_ROOM_BYTES = 2 << 30


def scratch_directory(prefix: str, *, durable: bool) -> Path:
    """A new directory, on disk if *durable*, otherwise in memory where there is room.

    In memory because a new database is hundreds of new files, which some disks take most of a second for.
    """
    in_memory = not durable and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM_BYTES
    return Path(tempfile.mkdtemp(prefix=prefix, dir=_MEMORY if in_memory else None))
