"""Commands of `sniper archive`, with imports made when one runs, so that --help answers at once."""
# ruff: noqa: PLC0415

from pathlib import Path
from typing import Annotated

import typer

from cli.archive.formats import Format

archive_app = typer.Typer(invoke_without_command=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead, for programs.")]
From = Annotated[Path, typer.Option("--from", metavar="DIR", help="Where the archive is.")]


@archive_app.callback()
def archive(
    context: typer.Context,
    older_than: Annotated[str | None, typer.Option(metavar="AGE", help="Like 90d or 12w, at least 1d.")] = None,
    to: Annotated[Path | None, typer.Option(metavar="DIR", help="Made where it is missing.")] = None,
    format_: Annotated[
        Format,
        typer.Option("--format", help="parquet needs pyarrow: the extra named parquet."),
    ] = Format.JSONL,
    as_json: AsJson = False,
) -> None:
    """Write listings and trades of whole days (UTC) older than an age, one file a day; nothing is deleted.

    An interrupted run is finished by the next one, which verifies existing files.
    """
    from cli import command_runner
    from cli.archive import report

    if context.invoked_subcommand is not None:
        return
    if older_than is None or to is None:
        raise typer.BadParameter("--older-than and --to are needed, as in `sniper archive --older-than 90d --to DIR`")
    command_runner.run(lambda _: report.archive(older_than, to, format_, as_json=as_json))


@archive_app.command("delete")
def delete(
    where: From,
    confirm: Annotated[str | None, typer.Option(metavar="delete", help="Needed, as rows leave the database.")] = None,
    as_json: AsJson = False,
) -> None:
    """Delete archived rows from the database if they are unchanged; open or changed ones stay."""
    from cli import command_runner
    from cli.archive import report

    command_runner.run(lambda _: report.delete(where, confirm, as_json=as_json))


@archive_app.command("restore")
def restore(where: From, as_json: AsJson = False) -> None:
    """Restore archived rows that the database lacks, under the same ids."""
    from cli import command_runner
    from cli.archive import report

    command_runner.run(lambda _: report.restore(where, as_json=as_json))


@archive_app.command("verify")
def verify(where: From, as_json: AsJson = False) -> None:
    """Read every file of the archive against its manifest."""
    from cli import command_runner
    from cli.archive import report

    command_runner.run(lambda _: report.verify(where, as_json=as_json))
