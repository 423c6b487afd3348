from shared.mexc.http.signing import Signer, encoded_query, sign

SECRET = "45d0b3c26f2644f19bfb98b07741b2f5"
PARAMS = [
    ("symbol", "BTCUSDT"),
    ("side", "BUY"),
    ("type", "LIMIT"),
    ("quantity", "1"),
    ("price", "11"),
    ("recvWindow", "5000"),
    ("timestamp", "1644489390087"),
]
SIGNATURE = "fd3e4e8543c5188531eb7279d68ae7d26a573d0fc5ab0d18eb692451654d837a"


def test_query_is_signed_as_the_exchange_documents_with_the_window_and_the_time_last() -> None:
    query = Signer("key", SECRET).query(PARAMS[:5], recv_window_ms=5000, now_ms=1644489390087)

    assert query == f"{encoded_query(PARAMS)}&signature={SIGNATURE}"


def test_body_follows_the_query_without_a_separator() -> None:
    signature = sign(
        SECRET,
        "symbol=BTCUSDT&side=BUY&type=LIMIT",
        "quantity=1&price=11&recvWindow=5000&timestamp=1644489390087",
    )

    assert signature == "d1a676610ceb39174c8039b3f548357994b2a34139a8addd33baadba65684592"


def test_parameters_keep_their_order() -> None:
    assert encoded_query([("b", "1"), ("a", "2"), ("b", "3")]) == "b=1&a=2&b=3"


def test_values_are_percent_encoded_in_uppercase_with_spaces_as_20() -> None:
    assert encoded_query([("symbol", "币 USDT/+&=~")]) == "symbol=%E5%B8%81%20USDT%2F%2B%26%3D~"


def test_what_is_signed_is_what_is_sent() -> None:
    sent = Signer("key", SECRET).query([("symbol", "币安 USDT")], recv_window_ms=5000, now_ms=1644489390087)
    query, _, signature = sent.rpartition("&signature=")

    assert query.startswith("symbol=%E5%B8%81%E5%AE%89%20USDT&")
    assert signature == sign(SECRET, query)


def test_signer_shows_neither_key_nor_secret() -> None:
    shown = repr(Signer("mx0-canary-key", "canary-secret"))

    assert "canary" not in shown
