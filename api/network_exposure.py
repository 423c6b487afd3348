"""Check that an address reachable from other machines is served only if a token exists."""

import socket
from ipaddress import IPv6Address, ip_address

from api.access import tokens
from shared.errors import SettingsError
from shared.process.lifecycle import when_available
from shared.process.runtime import Runtime


async def require_token(listener: socket.socket, runtime: Runtime) -> None:
    """Raise SettingsError, with instructions, if *listener* is not on the loopback and there is no token."""
    address = str(listener.getsockname()[0])
    if is_loopback(address):
        return
    if await when_available("database", lambda: tokens.is_any_usable(runtime.database), runtime.stop):
        return
    raise SettingsError(
        f"SNIPER_API_HOST: other machines reach {address}, and there is no token: make one with `sniper token "
        f"create NAME --scope operate`, or use 127.0.0.1"
    )


def is_loopback(address: str) -> bool:
    """Return whether *address* is the loopback: an IP address, or of names only localhost."""
    if address.lower() == "localhost":
        return True
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped.is_loopback
    return found.is_loopback
