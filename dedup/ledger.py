"""Ledger of claims in the database, and a cache of recent ones: first sighting and latest opening of each listing."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog
from pydantic import ValidationError

from shared.errors import TransientError
from shared.events import Listing, ListingKey, Side
from shared.mexc.symbols import SIDES_CLOSED
from shared.postgres.database import Database
from shared.postgres.error_translation import refused_is_permanent
from shared.wire.cloudevents import explain

log = structlog.get_logger(__name__)

FINGERPRINTS: Final = 256
"""Few enough to be integers that Python keeps anyway: a fingerprint costs no memory."""
# One that was made together with the order, ahead of dedup, is news until the executor has received it.
READ: Final = """
    SELECT raw_id, listing, EXISTS (SELECT FROM unannounced_listings WHERE listing_key = $1) AS is_unannounced
    FROM listing_claims WHERE listing_key = $1
"""
_NOBODY_BUYS: Final = ", ".join(f"'{each}'" for each in sorted(SIDES_CLOSED[Side.BUY]))
# The latest opening time wins, in whatever order sightings arrive, and its first source is kept. That a listing taken
# for open has opened is no news, unless it opened a while after it was seen: an order at that time found it
# closed. Where its rules said closed, none was sent, and one waits for this.
MOVE: Final = f"""
    UPDATE listing_claims SET
        opens_at = $2,
        opens_observed_at = $3,
        opens_raw_id = CASE
            WHEN opens_at IS DISTINCT FROM $2 AND (
                opens_at IS NOT NULL OR $2 > $3
                OR $2 > (listing ->> 'observed_at')::timestamptz + interval '10 seconds'
                OR listing #>> '{{rules,api_allowed}}' = 'false'
                OR listing #>> '{{rules,trade_side_type}}' IN ({_NOBODY_BUYS})
            ) THEN $4 ELSE opens_raw_id
        END
    WHERE listing_key = $1 AND (opens_observed_at IS NULL OR opens_observed_at < $3)
    RETURNING opens_raw_id, listing
"""  # noqa: S608 - constants
READ_MOVE: Final = "SELECT opens_raw_id, listing FROM listing_claims WHERE listing_key = $1"


class ClaimCache:
    """Recognises most duplicates without the ledger, and never takes a listing for a duplicate.

    Eviction is harmless, since unknown keys go to the ledger. Two generations make it cheap: a full young one becomes
    the old one, and the old one is dropped.
    """

    def __init__(self, keys_max: int) -> None:
        self._generation_max = max(1, keys_max // 2)
        self._young: dict[ListingKey, int] = {}
        self._old: dict[ListingKey, int] = {}

    def is_duplicate(self, key: ListingKey, raw_id: str) -> bool:
        """Return whether another sighting than *raw_id* has certainly claimed *key*.

        False also when that is unknown, and when *raw_id* may be the claimant itself, redelivered.
        """
        claimant = self._young.get(key)
        if claimant is None:
            claimant = self._old.get(key)
        return claimant is not None and claimant != fingerprint(raw_id)

    def remember(self, key: ListingKey, claimant: str) -> None:
        """Remember the sighting *claimant* as that which claimed *key*."""
        if len(self._young) >= self._generation_max and key not in self._young:
            self._old, self._young = self._young, {}
        self._young[key] = fingerprint(claimant)

    def __len__(self) -> int:
        return len(self._young) + len(self._old)


def fingerprint(raw_id: str) -> int:
    """Return the fingerprint of an id; another id has the same once in `FINGERPRINTS` times."""
    return hash(raw_id) % FINGERPRINTS


def insertion(key: str, raw_id: str, listing: str, opens_at: str, observed_at: str) -> str:
    """Return the insertion of a claim whose parameters have these names; a row may follow from what it is read from."""
    return f"""
    INSERT INTO listing_claims (listing_key, raw_id, listing, opens_at, opens_observed_at)
    SELECT {key}, {raw_id}, {listing}, {opens_at},
        CASE WHEN {opens_at}::timestamptz IS NOT NULL THEN {observed_at}::timestamptz END
    """


CLAIM: Final = f"{insertion('$1', '$2', '$3', '$4', '$5')} ON CONFLICT DO NOTHING RETURNING true"


@dataclass(frozen=True, slots=True)
class Claim:
    """Claim on a listing by the sighting it was made from."""

    raw_id: str
    listing: Listing
    is_new: bool
    """Made now, or ahead of dedup and not announced yet."""


class Ledger:
    """Gives each listing to the first sighting that claims it, for good, and each new opening time likewise.

    Raises TransientError when the database is away, after which the write may have happened (claiming again shows it),
    and PermanentError for what cannot be stored.
    """

    def __init__(self, database: Database, *, meanwhile: Callable[[Listing], object] | None = None) -> None:
        """*meanwhile* is called with each listing while its claim is committed: what follows at once is warm then."""
        self._database = database
        self._meanwhile = meanwhile

    async def claim(self, listing: Listing, raw_id: str) -> Claim:
        """Return the claim on *listing*: a new one of *raw_id*, committed, or the earlier one.

        One round trip for a new claim.
        """
        described = listing.model_dump(mode="json")
        opening = (listing.opens_at, listing.observed_at)
        with refused_is_permanent():
            async with self._database.connection() as connection:
                if self._meanwhile is not None:
                    asyncio.get_running_loop().call_soon(self._meanwhile, listing)
                if await connection.fetchval(CLAIM, listing.key, raw_id, described, *opening):
                    return Claim(raw_id, listing, is_new=True)
                earlier = await connection.fetchrow(READ, listing.key)
        if earlier is None:
            raise TransientError(f"the claim on {listing.key} was taken back between two looks at it")
        return Claim(earlier["raw_id"], _claimed(earlier["listing"], listing), is_new=earlier["is_unannounced"])

    async def move(self, sighting: Listing, raw_id: str) -> Listing | None:
        """Store the opening of a known listing as *sighting* has it.

        Return the claimed listing where that moved its opening: now, or at an earlier delivery of *raw_id* with no
        move since.
        """
        opening = (sighting.key, sighting.opens_at, sighting.observed_at, raw_id)
        with refused_is_permanent():
            async with self._database.connection() as connection:
                row = await connection.fetchrow(MOVE, *opening) or await connection.fetchrow(READ_MOVE, sighting.key)
        if row is None or row["opens_raw_id"] != raw_id:
            return None
        return _claimed(row["listing"], sighting)


def _claimed(stored: object, sighting: Listing) -> Listing:
    """Return the claimed listing; *sighting* where another version wrote one that is unreadable here."""
    try:
        return Listing.model_validate(stored)
    except ValidationError as error:
        log.warning("a claim that cannot be read", listing=sighting.key, reason=explain(error))
        return sighting
