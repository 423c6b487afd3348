"""Health check of a container: exit code 0 if the process in it answers /livez, otherwise 1.

Imports the standard library only, as it runs every few seconds. /livez and not /readyz: a service that waits for its
broker is alive, and a restart would not help.
"""

import os
import sys
from http.client import HTTPConnection, HTTPException
from types import MappingProxyType
from typing import Final

TIMEOUT_SECONDS: Final = 2.0
PORT: Final = "9464"
HOST: Final = "127.0.0.1"
LOOPBACK_OF: Final = MappingProxyType({"0.0.0.0": HOST, "::": "::1"})


def is_alive(host: str, port: int) -> bool:
    """Return whether the process that listens on *host* and *port* answers 200 on /livez."""
    connection = HTTPConnection(LOOPBACK_OF.get(host, host), port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    listens_on = os.environ.get("SNIPER_METRICS_HOST") or HOST, int(os.environ.get("SNIPER_METRICS_PORT") or PORT)
    sys.exit(0 if is_alive(*listens_on) else 1)
