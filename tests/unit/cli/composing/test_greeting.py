"""The first lines of `sniper up`."""

from cli.composing.greeting import Greeting
from executor.settings import ExecutorSettings
from shared.control.exit_policy import NO_EXITS
from shared.settings import ExchangeSettings


def a_greeting(*, live: bool = False, speed: float | None = None) -> list[str]:
    venue = ExchangeSettings(mexc_rest_url="http://127.0.0.1:8099", live=live)
    greeting = Greeting(
        "http://127.0.0.1:8000/in", "http://127.0.0.1:8000", venue, "[::1]:9464", ExecutorSettings(), NO_EXITS, speed
    )
    return [line.plain for line in greeting.lines()]


def test_the_way_in_is_the_first_line() -> None:
    assert a_greeting()[0] == "Open http://127.0.0.1:8000/in"


def test_a_dry_run_says_so_and_a_live_one_too() -> None:
    assert a_greeting()[2] == "sniper is up: dry-run, nothing is ordered, on MEXC (http://127.0.0.1:8099)"
    assert "able to trade live, once auto_trade is on" in a_greeting(live=True)[2]


def test_the_profile_is_named_on_the_simulator_only() -> None:
    assert not [line for line in a_greeting() if "profile" in line]
    assert "The profile of this run, on the simulator alone" in a_greeting(speed=1)
    assert "  newcomers  one every 2 s at first, then every 5 s, each with a course of its own" in a_greeting(speed=4)


def test_what_is_sold_by_itself_is_named_on_a_real_exchange() -> None:
    assert "  exits      none: nothing is sold by itself" in a_greeting()


def test_the_metrics_are_where_they_are_served() -> None:
    assert "  metrics    http://[::1]:9464/metrics" in a_greeting()
