"""Addresses of people through Apprise: plugins for Telegram, Discord, Slack, ntfy, Matrix, e-mail and others."""

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol

import apprise

from notifier.digest import Digest
from notifier.notices import Severity
from shared.errors import TransientError

_TYPES: Final = {
    Severity.INFO: apprise.NotifyType.INFO,
    Severity.WARNING: apprise.NotifyType.WARNING,
    Severity.ERROR: apprise.NotifyType.FAILURE,
}


class Channel(Protocol):
    @property
    def name(self) -> str:
        """Return the address without its secrets."""

    async def send(self, digest: Digest) -> None:
        """Return once the service accepted *digest*; raise TransientError otherwise."""


class AppriseChannel:
    """One address. Apprise does not distinguish a full disk, a 429 and a wrong password: every failure is retried."""

    def __init__(self, plugin: apprise.NotifyBase, *, throttle_seconds: float, timeout_seconds: float) -> None:
        plugin.request_rate_per_sec = throttle_seconds
        plugin.socket_connect_timeout = plugin.socket_read_timeout = timeout_seconds
        # Only Apprise's own object turns text into what each service renders: a plugin called directly may not.
        self._service = apprise.Apprise(plugin)
        self._timeout_seconds = plugin.request_rate_per_sec + timeout_seconds
        self.name: Final = str(plugin.url(privacy=True)).partition("?")[0]  # type: ignore[no-untyped-call]

    async def send(self, digest: Digest) -> None:
        """Return once the service accepted *digest*; raise TransientError otherwise."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                taken = await self._service.async_notify(
                    body=digest.text or digest.title,
                    title=digest.title,
                    notify_type=_TYPES[digest.severity],
                    body_format=apprise.NotifyFormat.TEXT,
                )
        except TimeoutError:
            raise TransientError(f"{self.name} did not answer") from None
        if not taken:
            raise TransientError(f"{self.name} did not take it")


def addresses(text: str) -> Sequence[apprise.NotifyBase]:
    """Return the plugin of each address in *text*; raise ValueError with the number of an invalid one, not its text."""
    plugins = []
    for number, address in enumerate(text.split(), start=1):
        plugin = apprise.Apprise.instantiate(address, suppress_exceptions=True)
        if not isinstance(plugin, apprise.NotifyBase):
            lack = "" if "://" in address else " (it has no scheme, such as tgram://)"
            raise ValueError(f"address {number}{lack} is none that Apprise knows")  # noqa: TRY004 - of a value
        plugins.append(plugin)
    return plugins
