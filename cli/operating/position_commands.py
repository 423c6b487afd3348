"""Commands of `sniper positions`, with imports made when one runs, so that --help answers at once."""
# ruff: noqa: PLC0415

from enum import StrEnum
from typing import Annotated

import typer

positions_app = typer.Typer(invoke_without_command=True, help="Show held positions.")

What = Annotated[str, typer.Argument(metavar="SYMBOL|LISTING_KEY", help="For example ABCUSDT, or ABCUSDT:1.")]


class ModeName(StrEnum):
    LIVE = "live"
    DRY_RUN = "dry-run"


@positions_app.callback()
def positions(
    context: typer.Context,
    closed: Annotated[bool, typer.Option("--all", help="Those that were sold, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead, for programs.")] = False,
) -> None:
    """Show held positions."""
    from cli import command_runner
    from cli.operating import positions as command

    if context.invoked_subcommand is None:
        command_runner.run(lambda _: command.show(closed=closed, as_json=as_json))


@positions_app.command("exits")
def exits(
    what: What,
    assignments: Annotated[
        list[str],
        typer.Argument(
            metavar="KEY=VALUE...",
            help="Like stop_loss_pct=10. `none` is no such exit, `config` follows the configuration again.",
        ),
    ],
    mode: Annotated[ModeName | None, typer.Option(help="In this one only.")] = None,
) -> None:
    """Give a position exits of its own; the author is recorded."""
    from cli import command_runner
    from cli.operating import positions as command
    from shared.events import Mode

    command_runner.run(lambda _: command.exits(what, None if mode is None else Mode(mode.value), assignments))


@positions_app.command("write-off")
def write_off(
    what: What,
    mode: Annotated[ModeName, typer.Option(help="In this one.")],
    reason: Annotated[str, typer.Argument(metavar="REASON", help="Why it is lost.")],
) -> None:
    """Write off a position as lost: its cost no longer counts as exposure; author and reason are recorded."""
    from cli import command_runner
    from cli.operating import positions as command
    from shared.events import Mode

    if not reason.strip():
        raise typer.BadParameter("a reason is needed")
    command_runner.run(lambda _: command.write_off(what, Mode(mode.value), reason.strip()))
