"""Commands that run services. Imports are made in each command, so that --help answers at once."""
# ruff: noqa: PLC0415

import json
from enum import StrEnum
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead, for programs.")]


class Service(StrEnum):
    INGEST = "ingest"
    DEDUP = "dedup"
    EXECUTOR = "executor"
    PERSISTER = "persister"
    API = "api"
    NOTIFIER = "notifier"
    EXPRESS = "express"


class ExchangeName(StrEnum):
    SIMULATOR = "simulator"
    MEXC = "mexc"


def up(
    exchange: Annotated[ExchangeName, typer.Option(help="Where to look and trade.")] = ExchangeName.SIMULATOR,
) -> None:
    """Run every service in one process, by default against the simulated exchange."""
    from cli.composing.up import up as run_up
    from shared.process import lifecycle

    lifecycle.run(lambda stop: run_up(exchange.value, stop), stop_seconds=lifecycle.STOP_SECONDS)


def demo(
    listings: Annotated[int, typer.Option(min=1, max=1000, help="How many coins to list.")] = 5,
    as_json: AsJson = False,
) -> None:
    """List coins on the simulator, trade them dry-run, and show how long each stage took."""
    import asyncio

    from rich.console import Console

    from cli.composing.demo import demo as run_demo
    from cli.composing.demo_report import table
    from shared.errors import SniperError
    from shared.process import lifecycle

    async def main(stop: asyncio.Event) -> None:
        report = await run_demo(listings, stop)
        if as_json:
            print(json.dumps(report.as_json()))
        else:
            Console().print(table(report))
        if not report.complete:
            raise SniperError(f"only {report.traded} of {listings} listings were traded")

    lifecycle.run(main)


def run(service: Annotated[Service, typer.Argument(help="Which one.")]) -> None:
    """Run one service, as a container does."""
    from cli.composing import light_imports

    light_imports.import_structlog_without_rich()

    from cli.composing.run import run as run_service
    from shared.process import lifecycle

    lifecycle.run(lambda stop: run_service(service.value, stop), stop_seconds=lifecycle.STOP_SECONDS)


def simulator(context: typer.Context) -> None:
    """Run the simulated exchange alone: REST and websocket on one port; --help lists its options."""
    from cli.composing.simulate import simulate
    from shared.process import lifecycle

    lifecycle.run(lambda stop: simulate(context.args, stop))


def migrate(
    roles: Annotated[
        bool, typer.Option("--roles", help="Also create a role per service and grant it its rights, and no more.")
    ] = False,
    exchange: Annotated[
        str | None,
        typer.Option(help="Let the database be that of the exchange at this host: it is the same, under another name."),
    ] = None,
) -> None:
    """Bring the database schema up to date."""
    from cli import command_runner
    from cli.operating import migrate as command

    command_runner.run(lambda stop: command.migrate(stop, roles=roles, exchange=exchange))
