from typing import Any

import pytest
from starlette.datastructures import Headers

from api.access.origins import Origins
from api.access.urls import host_name, origin_of
from api.error_handlers import ApiError

LOCAL = Origins(frozenset({"localhost", "sniper.lan"}), None)
PROXIED = Origins(frozenset({"localhost", "sniper.example.com"}), "https://sniper.example.com")


def scope(scheme: str = "http") -> dict[str, Any]:
    return {"type": "http", "scheme": scheme, "server": ("127.0.0.1", 8000)}


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("localhost:8000", "localhost"),
        ("LOCALHOST", "localhost"),
        ("127.0.0.1:8000", "127.0.0.1"),
        ("[::1]:8000", "::1"),
        ("sniper.lan", "sniper.lan"),
        ("", None),
        ("localhost@evil.example", None),
        ("localhost/evil", None),
        ("localhost:port", None),
        ("localhost?x", None),
        ("[::1", None),
    ],
)
def test_name_in_a_host_header(header: str, name: str | None) -> None:
    assert host_name(header) == name


@pytest.mark.parametrize(
    "host", ["localhost:8000", "Sniper.LAN", "127.0.0.1", "10.0.0.7:8000", "[::1]:8000", "[fe80::1]"]
)
def test_hosts_that_are_known_and_addresses_are_accepted(host: str) -> None:
    LOCAL.require_host(Headers({"host": host}))


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "sniper.lan.", "127.0.0.1.nip.io", "", "a b"]
)
def test_other_names_are_refused_as_a_site_may_rebind_its_own(host: str) -> None:
    with pytest.raises(ApiError, match="SNIPER_API_ALLOWED_HOSTS") as refused:
        LOCAL.require_host(Headers({"host": host}))

    assert refused.value.status == 421


@pytest.mark.parametrize(
    ("origins", "headers"),
    [
        (LOCAL, {"host": "localhost:8000", "origin": "http://localhost:8000"}),
        (LOCAL, {"host": "localhost:8000", "origin": "http://localhost:8000", "sec-fetch-site": "same-origin"}),
        (LOCAL, {"host": "localhost:8000", "sec-fetch-site": "same-origin"}),
        (LOCAL, {"host": "sniper.lan:80", "origin": "http://sniper.lan"}),
        (PROXIED, {"host": "sniper.example.com", "origin": "https://sniper.example.com"}),
        (PROXIED, {"host": "localhost:8000", "origin": "http://localhost:8000"}),
    ],
)
def test_writes_of_our_own_pages_are_let_through(origins: Origins, headers: dict[str, str]) -> None:
    origins.require_same_origin(scope(), Headers(headers), ambient=True)


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "https://localhost:8000"},
        {"origin": "http://localhost:8001"},
        {"origin": "http://localhost"},
        {"origin": "http://localhost:8000.evil.example"},
        {"origin": "http://localhost:8000", "sec-fetch-site": "cross-site"},
        {"origin": "http://localhost:8000", "sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": "cross-site"},
    ],
)
@pytest.mark.parametrize("ambient", [True, False])
def test_writes_of_other_origins_are_refused_whatever_they_come_with(headers: dict[str, str], ambient: bool) -> None:
    with pytest.raises(ApiError) as refused:
        LOCAL.require_same_origin(scope(), Headers({"host": "localhost:8000", **headers}), ambient=ambient)

    assert (refused.value.status, refused.value.code) == (403, "cross_origin")


def test_a_program_with_a_token_need_not_say_where_it_comes_from_and_a_browser_must() -> None:
    headers = Headers({"host": "localhost:8000"})

    LOCAL.require_same_origin(scope(), headers, ambient=False)
    with pytest.raises(ApiError, match="missing"):
        LOCAL.require_same_origin(scope(), headers, ambient=True)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"},
        {"sec-fetch-site": "none", "sec-fetch-mode": "navigate"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
    ],
)
def test_our_own_pages_and_people_who_come_from_elsewhere_may_read(headers: dict[str, str]) -> None:
    LOCAL.require_own_reader(Headers(headers))


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"},
        {"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_a_page_of_another_origin_reads_nothing_with_our_cookie(headers: dict[str, str]) -> None:
    with pytest.raises(ApiError) as refused:
        LOCAL.require_own_reader(Headers(headers))

    assert (refused.value.status, refused.value.code) == (403, "cross_origin")


@pytest.mark.parametrize(
    ("origins", "scheme", "host", "secure"),
    [
        (LOCAL, "https", "localhost:8000", True),
        (LOCAL, "http", "localhost:8000", False),
        (PROXIED, "http", "sniper.example.com", True),
        (PROXIED, "http", "localhost:8000", False),
    ],
)
def test_a_browser_is_behind_tls_of_ours_or_of_the_proxy(
    origins: Origins, scheme: str, host: str, secure: bool
) -> None:
    assert origins.is_secure(scope(scheme), Headers({"host": host})) is secure


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Sniper.example.com", "https://sniper.example.com"),
        ("https://sniper.example.com:443/x", "https://sniper.example.com"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("ftp://host", None),
        ("http://", None),
        ("http://host:port", None),
        ("null", None),
    ],
)
def test_origin_of_a_url_is_written_as_browsers_do(url: str, origin: str | None) -> None:
    assert origin_of(url) == origin
