"""ListenKeys of the account: created, kept alive, void after their time. No clock."""

import secrets
from typing import Final

KEY_BYTES: Final = 32


class ListenKeys:
    """Valid listenKeys, with the time each of them ends at."""

    def __init__(self, *, lifetime_ms: int, keys_max: int) -> None:
        self._lifetime_ms = lifetime_ms
        self._keys_max = keys_max
        self._ends_ms: dict[str, int] = {}

    def create(self, now_ms: int) -> str | None:
        """Return a new key; None where there are too many."""
        if len(self.valid(now_ms)) >= self._keys_max:
            return None
        key = secrets.token_hex(KEY_BYTES)
        self._ends_ms[key] = now_ms + self._lifetime_ms
        return key

    def keep_alive(self, key: str, now_ms: int) -> bool:
        """Let *key* begin its time anew; return whether it was valid."""
        if not self.is_valid(key, now_ms):
            return False
        self._ends_ms[key] = now_ms + self._lifetime_ms
        return True

    def delete(self, key: str, now_ms: int) -> bool:
        """End *key*; return whether it was valid."""
        was_valid = self.is_valid(key, now_ms)
        self._ends_ms.pop(key, None)
        return was_valid

    def expire_all(self) -> None:
        self._ends_ms.clear()

    def is_valid(self, key: str, now_ms: int) -> bool:
        return now_ms < self._ends_ms.get(key, 0)

    def valid(self, now_ms: int) -> list[str]:
        """Return the valid keys, oldest first, and forget the others."""
        self._ends_ms = {key: ends_ms for key, ends_ms in self._ends_ms.items() if now_ms < ends_ms}
        return list(self._ends_ms)
