"""Authentication of requests: credentials are looked up, cached briefly, and throttled."""

import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from api.access.credential_lookup import CredentialFault, CredentialLookup, ValidCredential
from api.access.credentials import Credential, CredentialKind
from api.access.principal import Principal
from api.access.throttle import Throttle
from api.error_handlers import ApiError
from shared.errors import TransientError

FRESH_SECONDS: Final = 2.0
"""Cache lifetime: a revocation takes effect within it; meanwhile a credential costs no database round trip."""
REMEMBERED_MAX: Final = 1024
CHALLENGE: Final = "Bearer"


class UnauthenticatedError(ApiError):
    """The sender of a request is unknown (401)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(401, code, message, headers={"WWW-Authenticate": CHALLENGE})


@dataclass(frozen=True, slots=True)
class _Remembered:
    principal: Principal
    fresh_until: float


class Authenticator:
    """Resolves credentials to principals."""

    def __init__(self, lookup: CredentialLookup, throttle: Throttle) -> None:
        self._lookup = lookup
        self._throttle = throttle
        self._remembered: OrderedDict[Credential, _Remembered] = OrderedDict()

    async def admit(self, credential: Credential | None, client: str, *, stops: bool = False) -> Principal:
        """Return the principal of *credential* (None: malformed), and count the request, one that *stops* apart.

        Raises ApiError: 401 if it is invalid, 429 if *client* failed too often or the token is throttled. A valid
        credential is exempt from the throttling of failures: no other client at its address can lock it out.
        """
        principal = await self._verified(credential, client)
        await self._throttle.count_request(principal.token_id, stops=stops)
        return principal

    async def still_holds(self, credential: Credential) -> bool:
        """Return whether *credential* is valid, or cannot be looked up now."""
        try:
            return isinstance(await self._lookup.find(credential), ValidCredential)
        except TransientError:
            return True

    def forget_session(self, session_id: int) -> None:
        """Drop a session from the cache."""
        ended = [key for key, known in self._remembered.items() if known.principal.session_id == session_id]
        for key in ended:
            del self._remembered[key]

    async def _verified(self, credential: Credential | None, client: str) -> Principal:
        known = None if credential is None else self._remembered.get(credential)
        if known is not None and time.monotonic() < known.fresh_until:
            return known.principal
        found = await self._found(credential, client, is_new=known is None)
        if isinstance(found, ValidCredential):
            assert credential is not None
            seconds = FRESH_SECONDS if found.seconds_left is None else min(FRESH_SECONDS, found.seconds_left)
            self._remembered[credential] = _Remembered(found.principal, time.monotonic() + seconds)
            self._remembered.move_to_end(credential)
            while len(self._remembered) > REMEMBERED_MAX:
                self._remembered.popitem(last=False)
            return found.principal
        if credential is not None:
            self._remembered.pop(credential, None)
        raise await self._refusal(found, credential, client)

    async def _found(
        self, credential: Credential | None, client: str, *, is_new: bool
    ) -> ValidCredential | CredentialFault:
        if credential is None:
            return CredentialFault.UNKNOWN
        if not is_new:
            return await self._lookup.find(credential)
        async with self._throttle.look_up(client):
            return await self._lookup.find(credential)

    async def _refusal(
        self, fault: CredentialFault, credential: Credential | None, client: str
    ) -> UnauthenticatedError:
        if fault is CredentialFault.OVER:
            over = "the session has ended, sign in again"
            if credential is not None and credential.kind is CredentialKind.TOKEN:
                over = "the token is revoked or has expired"
            return UnauthenticatedError("expired", over)
        # An expired credential is no guess, and must not keep its owner from signing in again.
        await self._throttle.count_failure(client)
        return UnauthenticatedError("unauthenticated", "the token or session is not known")
