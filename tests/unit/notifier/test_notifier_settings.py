"""Settings of the notifier that cannot be meant are named, and their values are not shown."""

from pathlib import Path

import pytest

from notifier.channel import AppriseChannel, addresses
from notifier.rules import DEFAULT_RULES
from notifier.settings import NotifierSettings
from shared.errors import SettingsError
from shared.settings import load

SECRET = "AAbbccddeeffgghhiijjkkllmmnnooppqqr"
TELEGRAM = f"tgram://123456789:{SECRET}/12345/"


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("URLS", f"{TELEGRAM} nonsense://{SECRET}", "address 2 is none that Apprise knows"),
        ("URLS", SECRET, "address 1 (it has no scheme, such as tgram://)"),
        ("RULES", "listing=loud", "listing: its severity is not one of"),
        ("QUIET_HOURS", "at night", "must be two times of day such as 22:00-07:00"),
        ("TIMEZONE", "Mars/Olympus", "is no time zone that this machine knows"),
        ("TELEGRAM_USERS", "@me", "must be numeric user ids"),
        ("THROTTLE_SECONDS", "-1", "greater than or equal to 0"),
    ],
)
def test_a_bad_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, complaint: str) -> None:
    monkeypatch.setenv(f"SNIPER_NOTIFIER_{name}", value)

    with pytest.raises(SettingsError) as raised:
        load(NotifierSettings)

    assert str(raised.value).startswith(f"SNIPER_NOTIFIER_{name}: ")
    assert complaint in str(raised.value)
    assert SECRET not in str(raised.value)


def test_commands_need_to_know_from_whom(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNIPER_NOTIFIER_TELEGRAM_TOKEN", SECRET)
    monkeypatch.setenv("SNIPER_NOTIFIER_TELEGRAM_USERS", " ")

    with pytest.raises(SettingsError, match="SNIPER_NOTIFIER_TELEGRAM_USERS: must name at least one user id"):
        load(NotifierSettings)


def test_an_empty_file_of_the_bots_token_is_none(tmp_path: Path) -> None:
    (tmp_path / "sniper_notifier_telegram_token").write_text("\n")

    settings = NotifierSettings(_secrets_dir=tmp_path)

    assert settings.telegram_token is None
    assert not settings.is_configured


def test_without_settings_nobody_is_notified() -> None:
    settings = NotifierSettings()

    assert not settings.is_configured
    assert settings.rules is DEFAULT_RULES


def test_settings_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNIPER_NOTIFIER_URLS", f"{TELEGRAM}\n ntfy://127.0.0.1/topic")
    monkeypatch.setenv("SNIPER_NOTIFIER_TIMEZONE", "Asia/Tokyo")
    monkeypatch.setenv("SNIPER_NOTIFIER_QUIET_HOURS", "22:00-07:00")
    monkeypatch.setenv("SNIPER_NOTIFIER_TELEGRAM_USERS", "1, 2")

    settings = load(NotifierSettings)

    assert settings.is_configured
    assert settings.quiet_hours is not None
    assert settings.quiet_hours.zone.key == "Asia/Tokyo"
    assert settings.telegram_users == {1, 2}


def test_the_name_of_an_address_holds_no_secret() -> None:
    [plugin] = addresses(TELEGRAM)

    name = AppriseChannel(plugin, throttle_seconds=0, timeout_seconds=1).name

    assert name.startswith("tgram://")
    assert SECRET not in name
