"""Health check of a container: exit code 0 if the process in it answers /livez, otherwise 1.

Imports the standard library only, as it runs every few seconds. /livez and not /readyz: a service that waits for its
broker is alive, and a restart would not help.
"""

import os
import sys
from http.client import HTTPConnection, HTTPException
from typing import Final

TIMEOUT_SECONDS: Final = 2.0
PORT: Final = "9464"


def lives(port: int) -> bool:
    """Return whether the process on *port* of this machine answers 200 on /livez."""
    connection = HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if lives(int(os.environ.get("SNIPER_METRICS_PORT") or PORT)) else 1)
