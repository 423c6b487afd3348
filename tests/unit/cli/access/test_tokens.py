from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from api.settings import ApiSettings
from cli.access.tokens import base_url, lifetime_of
from shared.errors import SettingsError


@pytest.mark.parametrize(
    ("text", "lifetime"),
    [
        ("30m", timedelta(minutes=30)),
        ("12h", timedelta(hours=12)),
        ("90d", timedelta(days=90)),
        ("52w", timedelta(weeks=52)),
    ],
)
def test_a_time_is_a_number_with_its_unit(text: str, lifetime: timedelta) -> None:
    assert lifetime_of(text) == lifetime


@pytest.mark.parametrize("text", ["", "0d", "90", "d", "-1d", "1.5h", "1y", "9999999d", "1d "])
def test_anything_else_is_no_time(text: str) -> None:
    with pytest.raises(SettingsError, match="must be a time like 30m, 12h, 90d or 52w"):
        lifetime_of(text)


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({}, "http://127.0.0.1:8000"),
        ({"host": "0.0.0.0", "port": 9000}, "http://127.0.0.1:9000"),
        ({"host": "::1"}, "http://[::1]:8000"),
        ({"host": "sniper.lan"}, "http://sniper.lan:8000"),
        ({"tls_certificate": Path("x.pem")}, "https://127.0.0.1:8000"),
        ({"public_url": "https://sniper.example.com/"}, "https://sniper.example.com"),
    ],
)
def test_a_link_leads_to_where_a_browser_finds_the_api(settings: dict[str, Any], url: str) -> None:
    assert base_url(ApiSettings(_env_file=None, **settings)) == url
