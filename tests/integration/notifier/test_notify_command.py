"""`sniper notify test` as an operator types it."""

import pytest
from typer.testing import CliRunner

from cli.main import app
from tests.support.fakes.inboxes import http_inbox


def run(monkeypatch: pytest.MonkeyPatch, urls: str) -> tuple[int, str]:
    monkeypatch.setenv("SNIPER_NOTIFIER_URLS", urls)
    ended = CliRunner().invoke(app, ["notify", "test"])
    return ended.exit_code, ended.output


def test_each_address_is_named_with_its_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    with http_inbox() as inbox:
        host = inbox.url.removeprefix("http://")
        code, shown = run(monkeypatch, f"json://user:hush@{host}/a")
        assert (code, "took it" in shown, "hush" in shown) == (0, True, False)
        assert "MEXC listing sniper: a test" in inbox.texts()[0]

        inbox.statuses = [500]
        code, shown = run(monkeypatch, f"json://user:hush@{host}/a")
        assert (code, "did not take it" in shown, "hush" in shown) == (1, True, False)


def test_without_an_address_the_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    code, shown = run(monkeypatch, "")

    assert code == 2
    assert "SNIPER_NOTIFIER_URLS" in shown
