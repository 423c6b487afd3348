"""Description of the measuring machine, to interpret the figures."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

LIBRARIES: Final = ("aio-pika", "asyncpg", "protobuf", "pydantic", "uvloop", "websockets")
CPU_INFO: Final = Path("/proc/cpuinfo")


def describe() -> dict[str, object]:
    """Return the machine and the versions; the load average is that of the last minute."""
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "system": platform.platform(),
        "processor": processor_name(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load_average_1m": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in LIBRARIES},
    }


def processor_name() -> str:
    """Return the processor's model name, as far as the system provides one."""
    if not CPU_INFO.exists():
        return platform.processor()
    named = (line.partition(":")[2].strip() for line in CPU_INFO.read_text().splitlines() if "model name" in line)
    return next(named, platform.processor())
