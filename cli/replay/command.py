"""The command `sniper replay`. Its imports are made when it runs, so that --help answers at once."""
# ruff: noqa: PLC0415

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead, for programs.")]


def replay(  # noqa: PLR0913, PLR0917 - options of a command
    where: Annotated[str, typer.Option("--from", metavar="archive|FILE", help="The broker's archive, or a file.")],
    since: Annotated[str | None, typer.Option(metavar="TIME", help="From then on; ISO 8601 with its offset.")] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Before then.")] = None,
    speed: Annotated[float, typer.Option(min=0, help="Multiple of the recorded speed; 0: as fast as possible.")] = 0,
    limits: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A limit, as `sniper config get` shows it.")
    ] = None,
    database: Annotated[str | None, typer.Option(metavar="URL", help="An empty one; else one of our own.")] = None,
    broker: Annotated[str | None, typer.Option(metavar="URL", help="An empty vhost; else none is needed.")] = None,
    save: Annotated[Path | None, typer.Option(metavar="FILE", help="Keep the events that were read.")] = None,
    as_json: AsJson = False,
) -> None:
    """Decide again on recorded sightings, under today's settings, and print the decisions of then and now side by side.

    Runs in a sandbox: nothing is bought, and no live database or broker is touched.
    """
    from cli import command_runner
    from cli.replay import report
    from cli.replay.recording import Span

    async def main(_: object) -> None:
        span = Span(report.moment("--since", since), report.moment("--until", until))
        request = report.ReplayRequest(where, span, speed, limits or (), database, broker, save)
        await report.run(request, as_json=as_json)

    command_runner.run(main)
