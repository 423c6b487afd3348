"""The overview as a block on a terminal and as a line elsewhere."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import httpx
import pytest
from rich.console import Console

from api.schemas import ComponentHealth, OrderRow, PositionRow, TradeConfig
from api.schemas.config import HaltRow
from cli.display.event_lines import TradeTally
from cli.display.overview import Overview, block, halted_words, simulated_prices, summary
from shared.events import HealthStatus, Mode
from tests.support.data.builders import NOON

TALLY = TradeTally(bought=3, refused=1, sold=2, gain=Decimal("-4.5"))


def a_position(symbol: str, price: str = "2", **fields: Any) -> PositionRow:
    values = {"symbol": symbol, "average_price": Decimal(price), "opened_at": NOON - timedelta(seconds=12)}
    return PositionRow.model_construct(**{**values, **fields})


def an_order(symbol: str, in_seconds: float | None) -> OrderRow:
    fire_at = None if in_seconds is None else NOON + timedelta(seconds=in_seconds)
    values: dict[str, Any] = {"symbol": symbol, "fire_at": fire_at}
    return OrderRow.model_construct(**values)


STANDING = Overview(
    at=NOON,
    held=[a_position("UPUSDT"), a_position("DOWNUSDT"), a_position("DARKUSDT")],
    prices={"UPUSDT": Decimal("2.5"), "DOWNUSDT": Decimal("1.9")},
    armed=[an_order("SOONUSDT", 23.4), an_order("NOWUSDT", -0.2), an_order("EVERUSDT", None)],
    exposure=Decimal("285.5"),
    exposure_max=Decimal(1000),
    unhealthy=[],
    halted="",
)
EMPTY = replace(STANDING, held=[], prices={}, armed=[], exposure=Decimal(0))
UNWELL = ComponentHealth(
    component_name="exits",
    status=HealthStatus.DEGRADED,
    last_event_at=None,
    updated_at=NOON,
    age_seconds=0,
    detail="[red] does not trade",
)


def drawn(standing: Overview) -> list[str]:
    console = Console(width=90, file=StringIO(), highlight=False)
    console.print(block(standing, TALLY))
    assert isinstance(console.file, StringIO)
    return [" ".join(line.split()) for line in console.file.getvalue().splitlines()]


def test_the_block_shows_what_is_held_what_opens_and_what_is_at_exposure() -> None:
    assert drawn(STANDING)[1:] == [
        "held paid now result for",
        "UPUSDT 2 2.5 +25.0 % 12 s",
        "DOWNUSDT 2 1.9 −5.0 % 12 s",
        "DARKUSDT 2 – – 12 s",
        "opens SOONUSDT in 23 s",
        "opens NOWUSDT any moment",
        "opens EVERUSDT at a time that is not known",
        "285.50 of 1,000 USDT at stake · 3 bought, 1 refused, 2 sold for −4.50 USDT",
    ]


def test_the_line_says_the_same() -> None:
    assert summary(STANDING, TALLY).plain == (
        "12:00:00  now      UPUSDT +25.0 % · DOWNUSDT −5.0 % · DARKUSDT – · SOONUSDT opens in 23 s"
        " · NOWUSDT opens any moment · EVERUSDT opens at a time that is not known"
        " · 285.50 of 1,000 USDT at stake · 3 bought, 1 refused, 2 sold for −4.50 USDT"
    )


def test_nothing_is_said_to_be_nothing() -> None:
    assert summary(EMPTY, TradeTally()).plain == (
        "12:00:00  now      nothing is held · 0.00 of 1,000 USDT at stake · 0 bought, 0 refused, 0 sold"
    )
    assert drawn(EMPTY)[1:] == ["0.00 of 1,000 USDT at stake · 3 bought, 1 refused, 2 sold for −4.50 USDT"]


def test_a_halt_and_what_is_unhealthy_are_shown() -> None:
    troubled = replace(EMPTY, halted="trading is halted", unhealthy=[UNWELL])

    assert drawn(troubled)[2:] == ["trading is halted: see `sniper status`", "exits degraded: [red] does not trade"]
    assert summary(troubled, TALLY).plain.endswith(" · trading is halted · exits degraded: [red] does not trade")


def test_a_long_list_is_cut() -> None:
    many = replace(STANDING, held=[a_position(f"COIN{number}USDT") for number in range(11)], armed=[])

    assert drawn(many)[10] == "and 3 more"


@pytest.mark.parametrize(
    ("answer", "prices"),
    [
        (httpx.Response(200, json={"UPUSDT": "1.5"}), {"UPUSDT": Decimal("1.5")}),
        (httpx.Response(200, json={"UPUSDT": "dear"}), {}),
        (httpx.Response(200, text="<html>"), {}),
        (httpx.Response(500), {}),
    ],
)
async def test_prices_that_cannot_be_read_are_none(answer: httpx.Response, prices: dict[str, Decimal]) -> None:
    asked: list[str] = []

    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return answer

    async with httpx.AsyncClient(transport=httpx.MockTransport(respond)) as client:
        found = await simulated_prices("http://simulator", client)(["UPUSDT", "DOWNUSDT"])
        nothing = await simulated_prices("http://simulator", client)([])

    assert (found, nothing) == (prices, {})
    assert asked == ["http://simulator/_sim/prices?symbols=UPUSDT%2CDOWNUSDT"]


@pytest.mark.parametrize(
    ("halted", "modes", "words"),
    [
        (False, [], ""),
        (False, [Mode.DRY_RUN], "dry-run trading is halted"),
        (False, [Mode.LIVE, Mode.LIVE], "live trading is halted"),
        (False, [Mode.LIVE, Mode.DRY_RUN], "trading is halted"),
        (False, [None, Mode.DRY_RUN], "trading is halted"),
        (True, [Mode.DRY_RUN], "trading is halted"),
    ],
)
def test_a_halt_of_one_mode_alone_is_named_with_it(halted: bool, modes: list[Mode | None], words: str) -> None:
    constructed: Any = TradeConfig.model_construct, HaltRow.model_construct

    assert halted_words(constructed[0](halted=halted, halts=[constructed[1](mode=each) for each in modes])) == words
