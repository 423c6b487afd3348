"""Memory of large answers is given back, though small things that last came to lie between them."""

import subprocess
import sys
from pathlib import Path

CHILD = Path(__file__).with_name("allocator_child.py")


def growth_bytes(*arguments: str) -> int:
    child = subprocess.run([sys.executable, CHILD, *arguments], check=True, capture_output=True, text=True)
    return int(child.stdout)


def test_memory_of_large_answers_is_given_back() -> None:
    assert growth_bytes("returning") < 1_000_000


def test_memory_of_large_answers_would_stay_otherwise() -> None:
    assert growth_bytes() > 3_000_000
