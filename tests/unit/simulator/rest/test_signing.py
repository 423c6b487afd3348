"""MEXC's signature and timestamp rules, on its documented test vectors."""

import pytest

from simulator.market.error_responses import RefusedError
from simulator.rest.signing import check_encoding, check_signature, check_timestamp

SECRET = "45d0b3c26f2644f19bfb98b07741b2f5"
QUERY = "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=11&recvWindow=5000&timestamp=1644489390087"
SIGNATURE = "fd3e4e8543c5188531eb7279d68ae7d26a573d0fc5ab0d18eb692451654d837a"
NOW = 1_700_000_000_000


def code_of(error: pytest.ExceptionInfo[RefusedError]) -> int:
    return error.value.response.code


def test_documented_query_signature_is_accepted() -> None:
    check_signature(f"{QUERY}&signature={SIGNATURE}", "", SECRET)


def test_documented_mixed_signature_is_accepted() -> None:
    check_signature(
        "symbol=BTCUSDT&side=BUY&type=LIMIT&signature=d1a676610ceb39174c8039b3f548357994b2a34139a8addd33baadba65684592",
        "quantity=1&price=11&recvWindow=5000&timestamp=1644489390087",
        SECRET,
    )


@pytest.mark.parametrize(
    "query",
    [
        QUERY,
        f"{QUERY}&signature=",
        f"{QUERY}&signature={SIGNATURE.upper()}",
        f"{QUERY}&signature={SIGNATURE}&price=12",
        f"{QUERY.replace('price=11', 'price=12')}&signature={SIGNATURE}",
        f"{QUERY}&signature=é",
    ],
)
def test_any_other_signature_is_refused(query: str) -> None:
    with pytest.raises(RefusedError) as error:
        check_signature(query, "", SECRET)
    assert code_of(error) == 700002


@pytest.mark.parametrize(("sent", "window"), [(NOW + 999, None), (NOW - 5_000, None), (NOW - 60_000, "60000")])
def test_timestamp_within_the_window_is_accepted(sent: int, window: str | None) -> None:
    check_timestamp(str(sent), window, NOW)


@pytest.mark.parametrize(
    ("sent", "window", "code"),
    [
        (str(NOW + 1_000), None, 700003),
        (str(NOW - 5_001), None, 700003),
        (str(NOW - 11), "10", 700003),
        (str(NOW), "60001", 700005),
        (str(NOW), "soon", 700008),
        ("now", None, 10073),
        (None, None, 10073),
    ],
)
def test_timestamp_outside_the_window_is_refused(sent: str | None, window: str | None, code: int) -> None:
    with pytest.raises(RefusedError) as error:
        check_timestamp(sent, window, NOW)
    assert code_of(error) == code


@pytest.mark.parametrize(
    "parameters", ["", QUERY, "symbol=%E5%B8%81USDT&side=BUY", "symbol=%D0%A9%D0%98USDT", "symbols=A,B&note=a%20b"]
)
def test_percent_encoded_utf8_in_upper_case_is_accepted(parameters: str) -> None:
    check_encoding(parameters)


@pytest.mark.parametrize(
    "parameters",
    [
        "symbol=币USDT",
        "symbol=%e5%b8%81USDT",
        "symbol=%B1%D2USDT",
        "symbol=%E5%B8",
        "symbol=%",
        "a=%ZZ",
        "a=b+c",
        "a=b c",
    ],
)
def test_any_other_encoding_is_a_bad_signature(parameters: str) -> None:
    with pytest.raises(RefusedError) as caught:
        check_encoding(parameters)

    assert code_of(caught) == 700002
