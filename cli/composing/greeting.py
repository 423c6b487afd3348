"""The first lines of `sniper up`: addresses, exchange, and the profile of a first run."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from shutil import which

from rich.text import Text

from cli.composing import first_run
from executor.settings import ExecutorSettings
from shared.control.exit_policy import ExitPolicy
from shared.settings import ExchangeSettings


@dataclass(frozen=True, slots=True)
class Greeting:
    way_in: str
    """Sign-in address to open first."""
    base: str
    """Of the API's addresses."""
    venue: ExchangeSettings
    metrics: str
    """Host and port of the metrics, as in a URL."""
    executor: ExecutorSettings
    """As in effect for this run."""
    exits: ExitPolicy
    """As configured."""
    speed: float | None = None
    """Of the simulator's scenarios; None on a real exchange."""

    def lines(self) -> Iterator[Text]:
        """Yield the lines, the sign-in address first."""
        yield Text.assemble("Open ", (self.way_in, "bold underline"))
        yield Text("")
        armed = ("able to trade live, once auto_trade is on", "bold red")
        mode = armed if self.venue.live else ("dry-run, nothing is ordered", "green")
        where = "MEXC" if self.speed is None else "a simulated exchange"
        yield Text.assemble(("sniper", "bold"), " is up: ", mode, f", on {where} ({self.venue.mexc_rest_url})")
        yield _row("trades", f"{self.base}/trades")
        yield _row("positions", f"{self.base}/positions")
        yield _row("health", f"{self.base}/health")
        if self.speed is None:
            yield _row("exits", first_run.exits_text(self.exits) or "none: nothing is sold by itself")
        yield _row("metrics", f"http://{self.metrics}/metrics")
        command = "sniper" if which("sniper") else os.path.relpath(sys.argv[0])
        yield _row("more", f"{command} status, inject SYMBOL, positions, --help (in another terminal)")
        if self.speed is not None:
            yield Text("")
            yield from self._profile(self.speed)
        yield Text("")

    def _profile(self, speed: float) -> Iterator[Text]:
        yield Text.assemble(("The profile of this run", "bold"), ", on the simulator alone")
        yield _row("exits", first_run.exits_text(self.exits))
        yield _row("limits", first_run.limits_text(self.executor))
        first, later = first_run.FIRST_EVERY_SECONDS / speed, first_run.EVERY_SECONDS / speed
        pace = f"one every {first:.3g} s at first, then every {later:.3g} s"
        yield _row("newcomers", f"{pace}, each with a course of its own")
        yield _row("", "made up to show every exit: what they bring says nothing about real coins", "dim")
        yield _row("", "defaults stay as they are, and a SNIPER_EXECUTOR_* variable that is set counts instead", "dim")
        yield _row("stop", "Ctrl-C; what is held then is watched again the next time")


def _row(name: str, words: str, style: str = "") -> Text:
    return Text.assemble("  ", (f"{name:<11}", "dim"), (words, style))
