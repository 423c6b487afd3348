"""Commands of `sniper monitor`, with imports made when one runs, so that --help answers at once."""
# ruff: noqa: PLC0415

from typing import Annotated

import typer

monitor_app = typer.Typer(help="Pause and resume detection.", no_args_is_help=True)


@monitor_app.command("pause")
def pause(
    words: Annotated[list[str] | None, typer.Argument(help="Why.", metavar="[REASON]...")] = None,
) -> None:
    """Stop detecting listings until `resume`; those of meanwhile are published late.

    They are not bought, unless exchangeInfo shows that they opened within the last minute.
    """
    from cli import command_runner
    from cli.operating import detection_switch as command

    command_runner.run(lambda _: command.pause(" ".join(words or [])))


@monitor_app.command("resume")
def resume() -> None:
    """Detect listings again."""
    from cli import command_runner
    from cli.operating import detection_switch as command

    command_runner.run(lambda _: command.resume())
