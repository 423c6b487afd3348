"""Bounded cache of recent claims."""

from typing import Final

from shared.events import ListingKey

FINGERPRINTS: Final = 256
"""Few enough to be integers that Python keeps anyway: a fingerprint costs no memory."""


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
