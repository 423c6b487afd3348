"""Long polling of Telegram's Bot API (core.telegram.org/bots/api): getUpdates and sendMessage."""

import asyncio
import secrets
import time
from collections.abc import Sequence
from typing import Any, Final

import httpx
import msgspec
import structlog

from notifier.metrics import Metrics
from notifier.settings import NotifierSettings
from notifier.telegram.commands import Commands, Operations
from notifier.telegram.updates import Update, read_updates
from shared.errors import TransientError, each_isolated, in_a_line, jittered, pause

log = structlog.get_logger(__name__)

AGE_SECONDS_MAX: Final = 60
"""Older commands are not carried out."""
ANSWER_SECONDS: Final = 10.0
TEXT_MAX: Final = 4096
CODE_DIGITS: Final = 6


class Bot:
    """Takes commands of allowed users; others get no answer."""

    def __init__(self, settings: NotifierSettings, operations: Operations, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._commands = Commands(operations, make_code, time.monotonic)
        self._offset = 0
        self._unconfirmed: Sequence[Update] = ()
        """Received, and not yet confirmed to Telegram, which would send them to the next start again."""

    async def run(self, stop: asyncio.Event) -> None:
        """Poll and answer commands until *stop* is set; a command under way is finished.

        A command is executed once the request behind the one that brought it has confirmed it: at most once.
        """
        token = self._settings.telegram_token
        if token is None:
            return
        base_url = f"{self._settings.telegram_url}/bot{token.get_secret_value()}/"
        timeout = httpx.Timeout(ANSWER_SECONDS, read=self._settings.telegram_poll_seconds + ANSWER_SECONDS)
        failures = 0
        async with httpx.AsyncClient(base_url=base_url, timeout=timeout) as http:
            while not stop.is_set():
                try:
                    received = await self._next(http, stop)
                    failures = 0
                except TransientError as error:
                    log.warning("no commands from Telegram", reason=str(error))
                    await pause(jittered(failures, first_seconds=1, max_seconds=60), stop)
                    failures += 1
                    continue
                if received is not None:
                    confirmed, self._unconfirmed = self._unconfirmed, received
                    await each_isolated(confirmed, lambda update: self.handle(http, update), failed=self.failed)

    async def _next(self, http: httpx.AsyncClient, stop: asyncio.Event) -> Sequence[Update] | None:
        """Confirm what was received, and return the next updates; None where *stop* is set first.

        Raise TransientError.
        """
        parameters = {
            "offset": self._offset,
            "timeout": 0 if self._unconfirmed else self._settings.telegram_poll_seconds,
            "allowed_updates": '["message"]',
        }
        polling = asyncio.ensure_future(_call(http, "getUpdates", parameters))
        stopping = asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait((polling, stopping), return_when=asyncio.FIRST_COMPLETED)
            if not polling.done():
                return None
            body = polling.result()
        finally:
            for task in (polling, stopping):
                task.cancel()
            await asyncio.gather(polling, stopping, return_exceptions=True)
        try:
            updates, offset = read_updates(body)
        except msgspec.MsgspecError as error:
            raise TransientError(f"an answer that cannot be read: {in_a_line(error)}") from None
        # Confirmed by the next request, readable or not.
        self._offset = max(self._offset, offset)
        return updates

    async def handle(self, http: httpx.AsyncClient, update: Update) -> None:
        """Execute the command in *update*, if there is one, and send the answer."""
        message = update.message
        if message is None or message.sender is None or not message.text.strip():
            return
        if message.sender.id not in self._settings.telegram_users:
            self._metrics.commands.labels("refused").inc()
            log.warning("a command of somebody who may send none", user=message.sender.id)
            return
        if time.time() - message.date > AGE_SECONDS_MAX:
            self._metrics.commands.labels("old").inc()
            answer = "That command is too old: nothing was done. Send it again if it is still meant."
        else:
            self._metrics.commands.labels("answered").inc()
            log.info("a command from Telegram", user=message.sender.id, command=message.text.split()[0])
            answer = await self._commands.answer(message.sender.id, message.text)
        try:
            await _call(http, "sendMessage", {"chat_id": message.chat.id, "text": answer[:TEXT_MAX]})
        except TransientError as error:
            self.failed(update, error)

    def failed(self, _: Update, error: Exception) -> None:
        """Count and log a command that failed, or whose answer was not sent."""
        self._metrics.commands.labels("failed").inc()
        log.warning("a command from Telegram failed", reason=in_a_line(error))


async def _call(http: httpx.AsyncClient, method: str, parameters: dict[str, Any]) -> bytes:
    """Return the body of the answer; raise TransientError without the URL, which holds the token."""
    try:
        answer = await http.post(method, json=parameters)
    except httpx.HTTPError as error:
        raise TransientError(f"Telegram is not reachable: {type(error).__name__}") from None
    if answer.status_code != httpx.codes.OK:
        raise TransientError(f"Telegram answers {answer.status_code} to {method}")
    return answer.content


def make_code() -> str:
    """Return an unpredictable code of a few digits."""
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
