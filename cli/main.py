"""The `sniper` command with its groups. Commands import their modules when they run, so that --help answers at once."""

from enum import StrEnum
from typing import Annotated

import typer

from cli import completion as shell_completion
from cli import manual, standard_streams
from cli.access.token_commands import sign_in, token_app
from cli.archive.commands import archive_app
from cli.composing import commands as composing
from cli.doctor.command import doctor
from cli.operating import commands as operating
from cli.operating.config_commands import config_app
from cli.operating.monitor_commands import monitor_app
from cli.operating.order_commands import orders_app
from cli.operating.position_commands import positions_app
from cli.replay.command import replay

app = typer.Typer(
    name="sniper",
    help="Detects new MEXC listings first, publishes each once, buys within hard limits.",
    epilog="Settings are SNIPER_* variables, a .env file or mounted secret files: docs/configuration.md lists each.\n\n"
    f"Exit code: {manual.USUAL}.\n\n"
    "Examples: `sniper COMMAND --help` shows some of each; docs/commands.md has all.",
    no_args_is_help=True,
    add_completion=False,
    # Theirs print local variables, and a secret may be among them.
    pretty_exceptions_enable=False,
)
app.add_typer(archive_app, name="archive")
app.add_typer(config_app, name="config")
app.add_typer(monitor_app, name="monitor")
app.add_typer(orders_app, name="orders")
app.add_typer(operating.notify_app, name="notify")
app.add_typer(positions_app, name="positions")
app.add_typer(token_app, name="token")
app.command("sign-in")(sign_in)
app.command()(composing.up)
app.command()(composing.demo)
app.command()(composing.run)
# Its options, and the help on them, are those of the simulator's settings.
app.command(add_help_option=False, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(
    composing.simulator
)
app.command()(composing.migrate)
app.command()(operating.inject)
app.command()(operating.status)
app.command()(operating.history)
app.command()(doctor)
app.command()(operating.halt)
app.command("halt-and-close")(operating.halt_and_close)
app.command()(operating.resume)
app.command()(operating.acknowledge)
app.command()(operating.close)
app.command()(operating.watch)
app.command()(replay)


class Shell(StrEnum):
    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


@app.command()
def completion(shell: Annotated[Shell, typer.Argument(help="Which one you use.")]) -> None:
    """Print what your shell sources to complete our command lines."""
    print(shell_completion.script(shell.value))


manual.attach(app)


def main() -> None:
    """Entry point of the `sniper` command."""
    with standard_streams.standing():
        shell_completion.answer_shell()
        app(prog_name="sniper")
