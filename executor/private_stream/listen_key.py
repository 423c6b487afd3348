"""The listenKey of the private stream: made, kept alive, made anew where it is refused. It is a secret."""

from contextlib import suppress
from typing import Protocol

import structlog
from pydantic import SecretStr

from shared.mexc.errors import ClockUncertainError, ExchangeError, ExchangeRejected

log = structlog.get_logger(__name__)


class ListenKeySource(Protocol):
    """Requests about listenKeys; each raises ExchangeError or ClockUncertainError."""

    async def create_listen_key(self) -> SecretStr:
        """Return a new key."""

    async def keep_listen_key(self, key: SecretStr) -> None:
        """Let the hour of *key* begin anew."""

    async def delete_listen_key(self, key: SecretStr) -> None:
        """End *key*."""


class ListenKey:
    """The one key of this process."""

    def __init__(self, source: ListenKeySource) -> None:
        self._source = source
        self._key: SecretStr | None = None

    async def valid(self, *, anew: bool) -> SecretStr:
        """Return a key that the exchange takes now: the one at hand, or a new one where that is refused, or *anew*."""
        if anew:
            await self.delete()
        if self._key is None or not await self.keep_alive():
            self._key = await self._source.create_listen_key()
        return self._key

    async def keep_alive(self) -> bool:
        """Keep the key alive; return whether there is one, which the exchange did not refuse."""
        if self._key is None:
            return False
        try:
            await self._source.keep_listen_key(self._key)
        except ExchangeRejected as refusal:
            # Without its words, which may repeat the key.
            log.info("the listenKey has ended; another is made", code=refusal.code)
            self._key = None
            return False
        return True

    async def delete(self) -> None:
        """End the key, as far as the exchange can be reached; otherwise it ends by itself within an hour."""
        if self._key is not None:
            with suppress(ExchangeError, ClockUncertainError):
                await self._source.delete_listen_key(self._key)
            self._key = None
