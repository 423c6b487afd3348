"""The listenKey: one at a time, kept while it is taken, made anew when it is refused."""

import pytest
from pydantic import SecretStr

from executor.private_stream.listen_key import ListenKey
from shared.mexc.errors import ExchangeRejected, ExchangeUnavailable


class Source:
    def __init__(self) -> None:
        self.made = 0
        self.valid: set[str] = set()
        self.error: Exception | None = None

    async def create_listen_key(self) -> SecretStr:
        self._fail()
        self.made += 1
        self.valid.add(f"key-{self.made}")
        return SecretStr(f"key-{self.made}")

    async def keep_listen_key(self, key: SecretStr) -> None:
        self._fail()
        if key.get_secret_value() not in self.valid:
            raise ExchangeRejected(22222, f"no {key.get_secret_value()}")

    async def delete_listen_key(self, key: SecretStr) -> None:
        self._fail()
        self.valid.discard(key.get_secret_value())

    def _fail(self) -> None:
        if self.error is not None:
            raise self.error


async def test_a_key_is_made_once_and_kept() -> None:
    source = Source()
    key = ListenKey(source)

    made = [(await key.valid(anew=False)).get_secret_value() for _ in range(3)]

    assert made == ["key-1"] * 3


async def test_a_refused_key_is_replaced_and_its_refusal_is_not_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    source = Source()
    key = ListenKey(source)
    await key.valid(anew=False)
    source.valid.clear()

    assert not await key.keep_alive()
    assert (await key.valid(anew=False)).get_secret_value() == "key-2"
    assert "key-1" not in capsys.readouterr().out


async def test_a_key_in_doubt_is_deleted_before_another_is_made() -> None:
    source = Source()
    key = ListenKey(source)
    await key.valid(anew=False)
    await key.valid(anew=True)

    assert source.valid == {"key-2"}


async def test_an_outage_leaves_the_key_and_is_raised() -> None:
    source = Source()
    key = ListenKey(source)
    await key.valid(anew=False)
    source.error = ExchangeUnavailable("down")

    with pytest.raises(ExchangeUnavailable):
        await key.keep_alive()
    source.error = None

    assert await key.keep_alive()


async def test_deletion_in_an_outage_is_no_error() -> None:
    source = Source()
    key = ListenKey(source)
    await key.valid(anew=False)
    source.error = ExchangeUnavailable("down")

    await key.delete()
    assert not await key.keep_alive()
