"""`sniper notify test`: one message to every address."""

import asyncio

from notifier.channel import AppriseChannel, addresses
from notifier.digest import Digest
from notifier.notices import Severity
from notifier.settings import NotifierSettings
from shared.errors import SettingsError, SniperError, TransientError
from shared.settings import load

MESSAGE = Digest("MEXC listing sniper: a test", "Notices will arrive here.", Severity.INFO, 1)


async def test() -> None:
    """Send one message to each address and print the result; raise SniperError if one failed."""
    settings = load(NotifierSettings)
    plugins = addresses(settings.urls.get_secret_value())
    if not plugins:
        raise SettingsError("SNIPER_NOTIFIER_URLS: names no address, such as tgram://TOKEN/CHAT")
    channels = [
        AppriseChannel(plugin, throttle_seconds=0, timeout_seconds=settings.send_timeout_seconds) for plugin in plugins
    ]
    results = await asyncio.gather(*(_sent(channel) for channel in channels))
    if not all(results):
        raise SniperError(f"{results.count(False)} of {len(results)} addresses took no message")


async def _sent(channel: AppriseChannel) -> bool:
    try:
        await channel.send(MESSAGE)
    except TransientError as error:
        print(error)
        return False
    print(f"{channel.name} took it")
    return True
