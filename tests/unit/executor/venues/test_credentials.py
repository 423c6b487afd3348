import pytest
from pydantic import SecretStr

from executor.venues.credentials import Credentials, credentials
from shared.errors import SettingsError
from shared.settings import ExchangeSettings


def settings(key: str | None, secret: str | None) -> ExchangeSettings:
    halves = {"mexc_api_key": key and SecretStr(key), "mexc_api_secret": secret and SecretStr(secret)}
    return ExchangeSettings.model_validate(halves)


def test_without_a_key_there_are_no_credentials() -> None:
    assert credentials(settings(None, None)) is None


def test_a_key_and_its_secret_are_credentials() -> None:
    assert credentials(settings("k", "s")) == Credentials("k", "s")


def test_credentials_do_not_show_themselves() -> None:
    assert "hidden" not in repr(Credentials("hidden", "hidden"))


@pytest.mark.parametrize(
    ("key", "secret", "named"),
    [
        (None, "hidden", "SNIPER_MEXC_API_KEY"),
        ("hidden", None, "SNIPER_MEXC_API_SECRET"),
        ("hidden\n", "hidden", "SNIPER_MEXC_API_KEY"),
        ("hidden", "hid den", "SNIPER_MEXC_API_SECRET"),
    ],
)
def test_half_a_key_or_a_malformed_one_is_named_and_not_shown(key: str | None, secret: str | None, named: str) -> None:
    with pytest.raises(SettingsError, match=f"^{named}: ") as refusal:
        credentials(settings(key, secret))

    assert "hid" not in str(refusal.value)
