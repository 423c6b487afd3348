"""Telegram commands: what they do, and what they can never do."""

import pytest

from notifier.telegram.commands import CODE_SECONDS, HELP, Commands
from shared.errors import SniperError


class Operations:
    def __init__(self) -> None:
        self.done: list[str] = []

    async def status(self) -> str:
        return "all is well"

    async def positions(self) -> str:
        return "nothing is held"

    async def halt(self, by: str) -> str:
        self.done.append(f"halt by {by}")
        return "halted"

    async def close(self, symbol: str, by: str) -> str:
        if symbol == "NONEUSDT":
            raise SniperError("no open position of NONEUSDT")
        self.done.append(f"close {symbol} by {by}")
        return "asked"


class Desk:
    def __init__(self) -> None:
        self.operations = Operations()
        self.now = 0.0
        codes = iter(("111111", "222222", "333333"))
        self.commands = Commands(self.operations, lambda: next(codes), lambda: self.now)

    async def says(self, text: str, user: int = 7) -> str:
        return await self.commands.answer(user, text)


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_questions_are_answered(desk: Desk) -> None:
    assert await desk.says("/status") == "all is well"
    assert await desk.says("/positions@our_bot") == "nothing is held"


async def test_a_halt_is_carried_out_at_once_and_says_for_whom(desk: Desk) -> None:
    assert await desk.says("/halt now please") == "halted"
    assert desk.operations.done == ["halt by telegram:7"]


@pytest.mark.parametrize("text", ["/resume", "/config auto_trade true", "/arm", "/set max_trade_usdt 1000", "hello"])
async def test_nothing_resumes_arms_or_changes_limits(desk: Desk, text: str) -> None:
    assert await desk.says(text) == HELP
    assert desk.operations.done == []


async def test_a_sale_needs_its_code_repeated(desk: Desk) -> None:
    assert "/close ABCUSDT 111111" in await desk.says("/close abcusdt")
    assert desk.operations.done == []
    assert await desk.says("/close ABCUSDT 111111") == "asked"
    assert desk.operations.done == ["close ABCUSDT by telegram:7"]


async def test_a_code_is_good_for_one_attempt(desk: Desk) -> None:
    await desk.says("/close ABCUSDT")
    await desk.says("/close ABCUSDT 999999")

    assert "nothing was sold" in await desk.says("/close ABCUSDT 111111")
    assert desk.operations.done == []


@pytest.mark.parametrize(
    ("symbol", "user", "later"), [("OTHERUSDT", 7, 0.0), ("ABCUSDT", 8, 0.0), ("ABCUSDT", 7, CODE_SECONDS + 1)]
)
async def test_a_code_is_for_its_symbol_its_user_and_its_minute(
    desk: Desk, symbol: str, user: int, later: float
) -> None:
    await desk.says("/close ABCUSDT")
    desk.now = later

    assert "nothing was sold" in await desk.says(f"/close {symbol} 111111", user)
    assert desk.operations.done == []


async def test_an_operation_that_is_refused_is_answered_in_its_words(desk: Desk) -> None:
    await desk.says("/close NONEUSDT")

    assert await desk.says("/close NONEUSDT 111111") == "no open position of NONEUSDT"
