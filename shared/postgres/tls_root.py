"""Certificate authority of the database, as a variable of its own beside the URL."""

from pathlib import Path
from typing import Final

from shared.errors import SettingsError
from shared.postgres.error_translation import AUTHORITY, VARIABLE
from shared.postgres.postgres_url import PostgresUrl

CHECKING: Final = ("verify-ca", "verify-full")


def with_authority(url: PostgresUrl, authority: Path | None) -> PostgresUrl:
    """Return *url* with *authority* as its root certificate; host names are checked, too, unless it says otherwise.

    Raises SettingsError where the URL disables the check, or names another authority.
    """
    if authority is None:
        return url
    mode, other = url.query.get("sslmode"), url.query.get("sslrootcert")
    if mode is not None and mode not in CHECKING:
        raise SettingsError(f"{AUTHORITY}: nothing is checked with sslmode={mode}: write sslmode=verify-full")
    if other is not None and other != str(authority):
        raise SettingsError(f"{AUTHORITY}: {VARIABLE} names another file (sslrootcert): name it once")
    return url.with_parameters({"sslmode": mode or "verify-full", "sslrootcert": str(authority)})
