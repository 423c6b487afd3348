"""Check that an address reachable from other machines is served only if a token exists."""

from api.access import tokens
from shared.errors import SettingsError
from shared.process.lifecycle import when_available
from shared.process.runtime import Runtime


async def require_token(address: str, runtime: Runtime) -> None:
    """Raise SettingsError, with instructions, if there is no token for *address*, which other machines reach."""
    if await when_available("database", lambda: tokens.is_any_usable(runtime.database), runtime.stop):
        return
    raise SettingsError(
        f"SNIPER_API_HOST: other machines reach {address}, and there is no token: make one with `sniper token "
        f"create NAME --scope operate`, or use 127.0.0.1"
    )
