"""A prompt brings a check forward, once for many, and never close to the one before."""

import asyncio
from collections.abc import Callable
from typing import cast

import pytest

from executor.reconciliation.check_prompt import APART_SECONDS, SETTLE_SECONDS, CheckPrompt
from tests.support.fakes.virtual_time import VirtualLoop

Script = Callable[[CheckPrompt, asyncio.Event], None]
EVERY_SECONDS = 60.0
SOON = APART_SECONDS + SETTLE_SECONDS


def waited(*scripts: tuple[float, Script]) -> float:
    """The seconds of one pause, in which each of *scripts* plays after its seconds."""

    async def play() -> float:
        loop = asyncio.get_running_loop()
        prompt, until = CheckPrompt(), asyncio.Event()
        for seconds, script in scripts:
            loop.call_later(seconds, script, prompt, until)
        began = loop.time()
        await prompt.pause(EVERY_SECONDS, until)
        return loop.time() - began

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        cast("VirtualLoop", runner.get_loop()).is_busy = lambda: False
        return runner.run(play())


def prompted(prompt: CheckPrompt, _: asyncio.Event) -> None:
    prompt.prompt()


def stopped(_: CheckPrompt, until: asyncio.Event) -> None:
    until.set()


@pytest.mark.parametrize(
    ("scripts", "seconds"),
    [
        ([], EVERY_SECONDS),
        ([(0, prompted)], SOON),
        ([(1, prompted)], SOON),
        ([(1, prompted), (2, prompted), (SOON - 0.5, prompted)], SOON),
        ([(30, prompted)], 30 + SETTLE_SECONDS),
        ([(1, stopped)], 1),
        ([(30, stopped)], 30),
        ([(30, prompted), (31, stopped)], 31),
    ],
)
def test_a_pause_ends_soon_after_a_prompt_and_at_once_at_the_stop(
    scripts: list[tuple[float, Script]], seconds: float
) -> None:
    assert waited(*scripts) == pytest.approx(seconds, abs=0.1)
