"""Signing in and out: a token or a link becomes a session, and a session an HttpOnly cookie."""

from dataclasses import dataclass

import structlog
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from api.access import cookies, credentials, sessions
from api.access.authenticator import UnauthenticatedError
from api.access.credentials import Kind
from api.access.lookup import Holding
from api.access.parts import Access
from api.access.sessions import SpentLinkError, UnknownLinkError
from api.access.throttle import client_of
from shared.postgres.database import Database

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SignIn:
    """The exchange of one request's token or link for a session."""

    request: Request
    access: Access
    database: Database

    async def by_token(self, value: str) -> str:
        """Start a session of the token with this value; return the session's value, for the cookie.

        Raises ApiError (401, 429) where the token does not hold.
        """
        credential = credentials.parse(value.strip(), Kind.TOKEN)
        principal = await self.access.authenticator.admit(credential, self._client)
        log.info("signed in by a token", name=principal.name, client=self._client)
        return await sessions.start(self.database, principal.token_id)

    async def by_link(self, value: str) -> str:
        """Use up the sign-in link with this value and start a session; return the session's value.

        Raises ApiError (401, 429) where there is no such link, or not any more.
        """
        await self.access.throttle.require_attempt(self._client)
        link = credentials.parse(value, Kind.LINK)
        try:
            session = await sessions.start_by_link(self.database, link)
        except UnknownLinkError as error:
            await self.access.throttle.count_failure(self._client)
            raise UnauthenticatedError("unauthenticated", str(error)) from None
        except SpentLinkError as error:
            raise UnauthenticatedError("expired", str(error)) from None
        log.info("signed in by a link", client=self._client)
        return session

    async def set_cookie(self, response: Response, session: str) -> None:
        """Have the browser keep the new session, and end the one it had: its id is never taken over."""
        await self._end_former()
        cookie = cookies.setting(self._cookie, session, max_age_seconds=self.access.session_seconds_max)
        response.headers.append("Set-Cookie", cookie)

    async def end(self, response: Response, session_id: int) -> None:
        """End a session, and have the browser forget it."""
        await sessions.end(self.database, session_id)
        self.access.authenticator.forget_session(session_id)
        response.headers.append("Set-Cookie", cookies.setting(self._cookie, "", max_age_seconds=0))

    async def _end_former(self) -> None:
        former = credentials.parse(cookies.value_in(self._headers, self._cookie) or "", Kind.SESSION)
        if former is None:
            return
        found = await self.access.lookup.find(former)
        if isinstance(found, Holding) and found.principal.session_id is not None:
            await sessions.end(self.database, found.principal.session_id)
            self.access.authenticator.forget_session(found.principal.session_id)

    @property
    def _headers(self) -> Headers:
        return self.request.headers

    @property
    def _cookie(self) -> str:
        return cookies.name_of(self.request.scope, self._headers, self.access.origins)

    @property
    def _client(self) -> str:
        return client_of(self.request.client.host if self.request.client else None)
