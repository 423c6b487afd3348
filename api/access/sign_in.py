"""Sign-in and sign-out: exchange of a token or a link for a session in an HttpOnly cookie."""

from dataclasses import dataclass

import structlog
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from api.access import cookies, credentials, sessions
from api.access.access_control import AccessControl
from api.access.authenticator import UnauthenticatedError
from api.access.credential_lookup import ValidCredential
from api.access.credentials import CredentialKind
from api.access.sessions import SpentLinkError, UnknownLinkError
from api.access.throttle import client_of
from shared.postgres.database import Database

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SignIn:
    """Exchange of one request's token or link for a session."""

    request: Request
    access: AccessControl
    database: Database

    async def by_token(self, value: str) -> str:
        """Start a session of the token with this value; return the session's value, for the cookie.

        Raises ApiError (401, 429) if the token is invalid.
        """
        credential = credentials.parse(value.strip(), CredentialKind.TOKEN)
        principal = await self.access.authenticator.admit(credential, self._client)
        log.info("signed in by a token", name=principal.name, client=self._client)
        return await sessions.start(self.database, principal.token_id)

    async def by_link(self, value: str) -> str:
        """Use the sign-in link with this value and start a session; return the session's value.

        Raises ApiError (401, 429) if the link is unknown or no longer usable.
        """
        link = credentials.parse(value, CredentialKind.LINK)
        try:
            async with self.access.throttle.look_up(self._client):
                session = await sessions.start_by_link(self.database, link)
        except UnknownLinkError as error:
            await self.access.throttle.count_failure(self._client)
            raise UnauthenticatedError("unauthenticated", str(error)) from None
        except SpentLinkError as error:
            raise UnauthenticatedError("expired", str(error)) from None
        log.info("signed in by a link", client=self._client)
        return session

    async def set_cookie(self, response: Response, session: str) -> None:
        """Set the cookie of the new session, and end the browser's former one: ids are never reused (fixation)."""
        former = credentials.parse(cookies.value_in(self._headers, self._cookie) or "", CredentialKind.SESSION)
        found = None if former is None else await self.access.lookup.find(former)
        if isinstance(found, ValidCredential) and found.principal.session_id is not None:
            await sessions.end(self.database, found.principal.session_id)
            self.access.authenticator.forget_session(found.principal.session_id)
        cookie = cookies.setting(self._cookie, session, max_age_seconds=self.access.session_seconds_max)
        response.headers.append("Set-Cookie", cookie)

    async def end(self, response: Response, session_id: int) -> None:
        """End a session, and remove its cookie."""
        await sessions.end(self.database, session_id)
        self.access.authenticator.forget_session(session_id)
        response.headers.append("Set-Cookie", cookies.setting(self._cookie, "", max_age_seconds=0))

    @property
    def _headers(self) -> Headers:
        return self.request.headers

    @property
    def _cookie(self) -> str:
        return cookies.name_of(self.request.scope, self._headers, self.access.origins)

    @property
    def _client(self) -> str:
        return client_of(self.request.client.host if self.request.client else None)
