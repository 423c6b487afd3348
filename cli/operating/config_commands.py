"""Commands of `sniper config`, with imports made when one runs, so that --help answers at once."""
# ruff: noqa: PLC0415

from typing import Annotated

import typer

config_app = typer.Typer(help="Show or change the limits and the exits.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead, for programs.")]


@config_app.command("get")
def config_get(as_json: AsJson = False) -> None:
    """Print the limits and the exits, and every halt in force."""
    from cli import command_runner
    from cli.operating import config as command

    command_runner.run(lambda _: command.get(as_json=as_json))


@config_app.command("set", context_settings={"ignore_unknown_options": True})
def config_set(
    key: Annotated[str, typer.Argument(help="As `sniper config get` shows it.")],
    value: Annotated[str, typer.Argument(help="Its new value; `none` for no value.")],
    until: Annotated[
        str | None, typer.Option(help="With auto_trade true: switch it off then. Like 90m, 2h, or ISO 8601.")
    ] = None,
    confirm: Annotated[
        str | None, typer.Option(metavar="live", help="Needed where orders would cost money from now on.")
    ] = None,
) -> None:
    """Change one of them; the change and its author are recorded."""
    from cli import command_runner
    from cli.operating import config as command

    command_runner.run(lambda _: command.change(key, value, until=until, confirmation=confirm))


@config_app.command("history")
def config_history(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="So many changes at most.")] = 20, as_json: AsJson = False
) -> None:
    """Print changes with their authors, newest first."""
    from cli import command_runner
    from cli.operating import config as command

    command_runner.run(lambda _: command.history(limit, as_json=as_json))
