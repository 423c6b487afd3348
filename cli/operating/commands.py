"""Commands of operators. Imports are made in each command, so that --help answers at once."""
# ruff: noqa: PLC0415

from typing import Annotated

import typer

from cli.operating.position_commands import ModeName

notify_app = typer.Typer(help="Messages to people.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead, for programs.")]


def inject(
    symbol: Annotated[str, typer.Argument(help="For example TESTUSDT.")],
    quote: Annotated[str, typer.Option(help="The quote asset.")] = "USDT",
) -> None:
    """Publish a test listing and let the pipeline handle it as any other."""
    from cli import command_runner
    from cli.operating import inject as command

    command_runner.run(lambda _: command.inject(symbol, quote))


def status(as_json: AsJson = False) -> None:
    """Show components, halts, limits, exposure, and the latest listings and trades."""
    from cli import command_runner
    from cli.operating import status as command

    command_runner.run(lambda _: command.show(as_json=as_json))


def history(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="So many entries at most.")] = 20, as_json: AsJson = False
) -> None:
    """Print decisions with their authors, newest first: limits, halts, sales, exits, write-offs, settled orders."""
    from cli import command_runner
    from cli.display import history as command

    command_runner.run(lambda _: command.show(limit, as_json=as_json))


@notify_app.command("test")
def notify_test() -> None:
    """Send one message to every address of SNIPER_NOTIFIER_URLS, and print the result of each."""
    from cli import command_runner
    from cli.operating import notify as command

    command_runner.run(lambda _: command.test())


def halt(
    words: Annotated[list[str] | None, typer.Argument(help="Why.", metavar="[REASON]...")] = None,
    reason: Annotated[str, typer.Option(help="Kept with the halt, and in the record.")] = "by hand",
    exits: Annotated[bool, typer.Option("--all", help="Stop sales too: positions stay as they are.")] = False,
) -> None:
    """Buy nothing more until `sniper resume`; listings are still seen and stored, and positions still closed."""
    from cli import command_runner
    from cli.operating import halts as command

    # In a hurry, words without quotes must do.
    command_runner.run(lambda _: command.halt(" ".join(words or [reason]), exits=exits))


def halt_and_close(
    words: Annotated[list[str] | None, typer.Argument(help="Why.", metavar="[REASON]...")] = None,
) -> None:
    """Buy nothing more until `sniper resume`, and sell everything held, now."""
    from cli import command_runner
    from cli.operating import halts as command

    command_runner.run(lambda _: command.halt_and_close(" ".join(words or ["by hand"])))


def resume() -> None:
    """Allow trading again, within the limits, whatever the cause of the halt."""
    from cli import command_runner
    from cli.operating import halts as command

    command_runner.run(lambda _: command.resume())


def acknowledge() -> None:
    """Acknowledge listings whose names fit no event: ingest is healthy again."""
    from cli import command_runner
    from cli.operating import acknowledge as command

    command_runner.run(lambda _: command.acknowledge())


def close(
    what: Annotated[str, typer.Argument(metavar="SYMBOL|LISTING_KEY", help="For example ABCUSDT, or ABCUSDT:1.")],
    mode: Annotated[ModeName | None, typer.Option(help="In this one only.")] = None,
) -> None:
    """Let the executor sell a position at the current price; the author is recorded."""
    from cli import command_runner
    from cli.operating import positions as command
    from shared.events import Mode

    command_runner.run(lambda _: command.close(what, None if mode is None else Mode(mode.value)))


def watch(
    since: Annotated[float, typer.Option(min=0, metavar="MINUTES", help="Start with rows stored since then.")] = 0,
    limit: Annotated[int, typer.Option(min=0, help="Stop after this many; 0 goes on.")] = 0,
) -> None:
    """Print listings and trades as they are stored."""
    from cli import command_runner
    from cli.display import watch as command

    command_runner.run(lambda stop: command.watch(stop, since_minutes=since, limit=limit))
