"""Commands of `sniper token`, and `sniper sign-in`, with imports made when one runs, so that --help answers at once."""
# ruff: noqa: PLC0415

from enum import StrEnum
from typing import Annotated

import typer

token_app = typer.Typer(help="Make, list and revoke tokens of the API.", no_args_is_help=True)


class ScopeName(StrEnum):
    VIEW = "view"
    OPERATE = "operate"


@token_app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Recorded with everything done with the token.")],
    scope: Annotated[ScopeName, typer.Option(help="operate may change things, too.")] = ScopeName.VIEW,
    expires: Annotated[str | None, typer.Option(metavar="TIME", help="From now, like 12h, 90d or 52w.")] = None,
) -> None:
    """Make a token and print its value, which is shown this once."""
    from api.access.principal import Scope
    from cli import command_runner
    from cli.access import tokens as command

    async def main(_: object) -> None:
        await command.create(name, Scope(scope.value), expires)

    command_runner.run(main)


@token_app.command("list")
def list_tokens(
    everyone: Annotated[bool, typer.Option("--all", help="Those that were revoked, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead, for programs.")] = False,
) -> None:
    """Show each token's name, scope and times, and never its value."""
    from cli import command_runner
    from cli.access import tokens as command

    command_runner.run(lambda _: command.show(revoked=everyone, as_json=as_json))


@token_app.command("revoke")
def revoke(name: Annotated[str, typer.Argument(help="As `sniper token list` shows it.")]) -> None:
    """End a token within seconds, with the sessions signed in with it; the operator is recorded."""
    from cli import command_runner
    from cli.access import tokens as command

    command_runner.run(lambda _: command.revoke(name))


def sign_in() -> None:
    """Print a link that signs a browser in to the API, once and within ten minutes."""
    from cli import command_runner
    from cli.access import tokens as command

    command_runner.run(lambda _: command.sign_in())
