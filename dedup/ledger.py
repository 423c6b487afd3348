"""The ledger of claims: which sighting became each listing, decided by the database."""

from dataclasses import dataclass
from typing import Final

from shared.database import Database, refused_is_permanent
from shared.errors import TransientError
from shared.events import Listing

CLAIM: Final = """
    INSERT INTO listing_claims (listing_key, raw_id, listing) VALUES ($1, $2, $3)
    ON CONFLICT DO NOTHING RETURNING true
"""
READ: Final = "SELECT raw_id, listing FROM listing_claims WHERE listing_key = $1"


@dataclass(frozen=True, slots=True)
class Claim:
    """One listing and the sighting it was made from."""

    raw_id: str
    listing: Listing
    is_new: bool


class Ledger:
    """Gives each listing to the first sighting that asks, for good."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, listing: Listing, raw_id: str) -> Claim:
        """Return the claim on *listing*: a new one of *raw_id*, committed, or the one that was there before.

        One round trip when it is new. Raises TransientError when the database is away, after which the claim may
        or may not be there (asking again tells), and PermanentError when it cannot be stored.
        """
        described = listing.model_dump(mode="json")
        with refused_is_permanent():
            async with self._database.connection() as connection:
                if await connection.fetchval(CLAIM, listing.key, raw_id, described):
                    return Claim(raw_id, listing, is_new=True)
                earlier = await connection.fetchrow(READ, listing.key)
        if earlier is None:
            raise TransientError(f"the claim on {listing.key} was taken back between two looks at it")
        return Claim(earlier["raw_id"], Listing.model_validate(earlier["listing"]), is_new=False)
