"""Words from outside that a database may not be able to hold: an outcome counts without them all the same."""

from typing import Final

import asyncpg

UNSTORABLE: Final = (asyncpg.DataError, UnicodeEncodeError)
"""What a text that the database's encoding lacks raises, here or there."""


def in_ascii(words: str) -> str:
    """Return *words* with a question mark for each character that is not ASCII, which every encoding holds."""
    return words.encode("ascii", "replace").decode("ascii").replace("\0", "?")
