"""The command `sniper doctor`. Its imports are made when it runs, so that --help answers at once."""
# ruff: noqa: PLC0415

from typing import Annotated

import typer

from cli.composing.commands import Service

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead, for programs.")]


def doctor(
    service: Annotated[
        list[Service] | None, typer.Option(help="Check only the needs of this service; repeatable.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check broker, database, exchange, disk and limits: a line each, with advice; exit code 0 if all is well.

    Exit code 1: something is wrong; 2: a setting is.
    """
    from cli import command_runner
    from cli.doctor import report

    names = [each.value for each in service] if service else report.usual()
    codes: list[int] = []

    async def main(_: object) -> None:
        codes.append(await report.examine(names, as_json=as_json))

    command_runner.run(main)
    raise typer.Exit(max(codes))
