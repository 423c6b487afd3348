"""Exchange of a database: listings, orders and positions of one exchange must not be taken for another's.

A simulator's exits would sell real coins, and its account would declare real positions gone.
"""

from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from shared.errors import SettingsError, TransientError
from shared.postgres.database import Connection, Database

LOOPBACK: Final = "this machine"
"""Stands for every address of the machine itself: a simulator is on another port at each start."""
HOST_LENGTH_MAX: Final = 255
CLAIM: Final = "INSERT INTO exchange (id, host) VALUES (1, $1) ON CONFLICT DO NOTHING"
READ: Final = "SELECT host FROM exchange WHERE id = 1"
MAY_LOOK: Final = "SELECT has_table_privilege('orders', 'SELECT') AND has_table_privilege('positions', 'SELECT')"
HAS_TRADED: Final = """
    SELECT EXISTS (SELECT FROM orders WHERE mode = 'live') OR EXISTS (SELECT FROM positions WHERE mode = 'live')
"""
RENAME: Final = """
    INSERT INTO exchange (id, host) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET host = excluded.host, since = now()
"""


def exchange_of(url: str) -> str:
    """Return the host of *url*, without its port; "this machine" for a loopback address."""
    host = urlsplit(url).hostname or ""
    try:
        is_loopback = ip_address(host).is_loopback
    except ValueError:
        is_loopback = host == "localhost" or host.endswith(".localhost")
    return LOOPBACK if is_loopback else host


async def require_exchange(database: Database, rest_url: str) -> None:
    """Make *database* that of the exchange at *rest_url*, unless it has one; raise SettingsError if that is another.

    An exchange on this machine gets none with live orders or positions that name no exchange. Raises TransientError
    when the database is away, or while only another service may see whether there are any.
    """
    wanted = exchange_of(rest_url)
    async with database.connection() as connection:
        found = await connection.fetchval(READ)
        if found is None:
            if wanted == LOOPBACK:
                await _require_untraded(connection)
            await connection.execute(CLAIM, wanted)
            found = await connection.fetchval(READ)
    if found != wanted:
        raise SettingsError(
            f"SNIPER_MEXC_REST_URL: the database holds the listings, orders and positions of {found}, and this is "
            f"{wanted}: take another database (SNIPER_DATA_DIR or SNIPER_DATABASE_URL), or, if it is the same exchange "
            f"under another name, `sniper migrate --exchange {wanted if wanted != LOOPBACK else 'localhost'}`"
        )


async def _require_untraded(connection: Connection) -> None:
    """Raise SettingsError where *connection* leads to live orders or positions, TransientError where that is unseen."""
    if not await connection.fetchval(MAY_LOOK):
        raise TransientError("whose exchange's the database is, the executor is to say: our role sees no orders")
    if await connection.fetchval(HAS_TRADED):
        raise SettingsError(
            "SNIPER_MEXC_REST_URL: the database holds live orders or positions of an exchange that it does not name, "
            f"and this is {LOOPBACK}: take another database (SNIPER_DATA_DIR or SNIPER_DATABASE_URL), or name their "
            "exchange with `sniper migrate --exchange HOST` (api.mexc.com, say)"
        )


async def rename_exchange(database: Database, host: str) -> str:
    """Let *database* be that of the exchange at *host*, or at that URL, from now on; return its name.

    Raises SettingsError where that names no host.
    """
    name = exchange_of(host if "://" in host else f"//{host}")
    if not name or len(name) > HOST_LENGTH_MAX or any(each.isspace() for each in host):
        raise SettingsError(f"--exchange: names no host: {host[:HOST_LENGTH_MAX]!r}")
    async with database.connection() as connection:
        await connection.execute(RENAME, name)
    return name
