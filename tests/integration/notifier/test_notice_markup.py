"""Notices about coins whose names and reasons hold markup, at services that render it."""

from email import message_from_string, policy
from html.parser import HTMLParser

import apprise
import apprise.plugins.telegram
import pytest

from notifier.channel import AppriseChannel, addresses
from notifier.digest import Digest
from notifier.notices import Severity
from tests.support.fakes.inboxes import http_inbox, mail_inbox

TITLE = "Listed: <a href='http://example.org'>FREE</a>USDT"
LINES = ["refused: a < 5 & <b>b</b> > 6", "and *a* second `line` [here](http://example.org)"]
DIGEST = Digest(TITLE, "\n".join(LINES), Severity.INFO, 2)


class Rendered(HTMLParser):
    """The text a reader sees, and the tags around it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.tags = "", set[str]()
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)
        self.text += "\n" if tag == "br" else ""

    def handle_data(self, data: str) -> None:
        self.text += data


async def sent_to(url: str) -> None:
    [plugin] = addresses(url)
    await AppriseChannel(plugin, throttle_seconds=0, timeout_seconds=10).send(DIGEST)


def shows_all(text: str) -> bool:
    return all(line in text.replace("\N{NO-BREAK SPACE}", " ").splitlines() for line in LINES)


async def test_a_name_with_markup_arrives_as_text_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    with http_inbox() as inbox:
        monkeypatch.setattr(apprise.plugins.telegram.NotifyTelegram, "notify_url", f"{inbox.url}/bot")
        host = inbox.url.removeprefix("http://")
        await sent_to("tgram://123456789:AAbbccddeeffgghhiijjkkllmmnnooppqqr/12345/")
        await sent_to(f"json://{host}/hook")
        (_, telegram), (_, hook) = inbox.received
    async with mail_inbox() as (port, mails):
        await sent_to(f"mailto://127.0.0.1:{port}/?from=sniper@example.org&to=me@example.org&mode=insecure")
    mail = message_from_string(mails[0], policy=policy.default)

    chat = Rendered(telegram["text"])
    assert telegram["parse_mode"] == "HTML"
    assert chat.tags <= {"b", "br"}
    assert TITLE in chat.text
    assert shows_all(chat.text)
    assert (mail.get_content_type(), mail["Subject"]) == ("text/plain", TITLE)
    assert shows_all(mail.get_content())
    assert (hook["title"], hook["message"]) == (DIGEST.title, DIGEST.text)
