import subprocess
import sys
from itertools import count

from dedup.ledger import ClaimCache, fingerprint
from shared.events import ListingKey

ABC = ListingKey("ABCUSDT:1")


def key(number: int) -> ListingKey:
    return ListingKey(f"COIN{number}USDT:1")


def other_id(raw_id: str) -> str:
    return next(other for other in map(str, count()) if fingerprint(other) != fingerprint(raw_id))


def test_another_sighting_of_a_claimed_listing_is_a_duplicate() -> None:
    seen = ClaimCache(1000)
    seen.remember(ABC, "first")

    assert seen.is_duplicate(ABC, other_id("first"))


def test_the_claimant_that_comes_back_is_not_a_duplicate() -> None:
    seen = ClaimCache(1000)
    seen.remember(ABC, "first")

    assert not seen.is_duplicate(ABC, "first")


def test_what_was_never_seen_is_not_a_duplicate() -> None:
    assert not ClaimCache(1000).is_duplicate(ABC, "first")


def test_only_the_oldest_are_forgotten() -> None:
    seen = ClaimCache(1000)
    for number in range(5250):  # Half into a generation.
        seen.remember(key(number), "first")

    assert not seen.is_duplicate(key(0), other_id("first"))
    assert all(seen.is_duplicate(key(number), other_id("first")) for number in range(4750, 5250))


def test_it_never_holds_more_than_it_may() -> None:
    seen = ClaimCache(1000)
    for number in range(5000):
        seen.remember(key(number), "first")
        assert len(seen) <= 1000


MEASURE_A_MILLION = """
import pathlib, resource
from dedup.ledger import ClaimCache

def resident():
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

seen, before = ClaimCache(1_000_000), resident()
for number in range(1_500_000):
    seen.remember(f"COIN{number:07}USDT:1", str(number))
print(len(seen), resident() - before)
"""


def test_a_million_listings_take_less_than_200_megabytes() -> None:
    # In a process of its own, where nothing else takes or gives back memory. Half as many again pass through.
    measured = subprocess.run([sys.executable, "-c", MEASURE_A_MILLION], capture_output=True, text=True, check=True)
    held, resident_bytes = map(int, measured.stdout.split())

    assert held == 1_000_000
    assert resident_bytes < 200e6
