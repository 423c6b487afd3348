"""The `sniper` command: what can be typed. Each command imports what it needs, so that --help answers at once."""
# ruff: noqa: PLC0415

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli import manual
from cli.access.token_commands import sign_in, token_app
from cli.archive.commands import archive_app
from cli.operating.config_commands import config_app
from cli.operating.monitor_commands import monitor_app
from cli.operating.order_commands import orders_app
from cli.operating.position_commands import ModeName, positions_app

app = typer.Typer(
    name="sniper",
    help="Sees new MEXC listings first, tells everyone once, buys within hard limits.",
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
notify_app = typer.Typer(help="Messages to people.", no_args_is_help=True)
app.add_typer(notify_app, name="notify")
app.add_typer(positions_app, name="positions")
app.add_typer(token_app, name="token")
app.command("sign-in")(sign_in)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead, for programs.")]


class Service(StrEnum):
    INGEST = "ingest"
    DEDUP = "dedup"
    EXECUTOR = "executor"
    PERSISTER = "persister"
    API = "api"
    NOTIFIER = "notifier"


class Shell(StrEnum):
    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


class ExchangeName(StrEnum):
    SIMULATOR = "simulator"
    MEXC = "mexc"


@app.command()
def up(
    exchange: Annotated[ExchangeName, typer.Option(help="Where to look and trade.")] = ExchangeName.SIMULATOR,
) -> None:
    """Run every service in one process, against the simulated exchange unless told otherwise."""
    from cli.composing.up import up as run_up
    from shared.process import lifecycle

    lifecycle.run(lambda stop: run_up(exchange.value, stop))


@app.command()
def demo(
    listings: Annotated[int, typer.Option(min=1, max=1000, help="How many coins to list.")] = 5,
    as_json: AsJson = False,
) -> None:
    """List coins on the simulator, trade them dry-run, and show how long each stage took."""
    import asyncio

    from rich.console import Console

    from cli.composing.demo import demo as run_demo
    from cli.composing.demo import table
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


@app.command()
def run(service: Annotated[Service, typer.Argument(help="Which one.")]) -> None:
    """Run one service: what a container runs."""
    from cli.composing import lean

    lean.import_structlog_alone()

    from cli.composing.run import run as run_service
    from shared.process import lifecycle

    lifecycle.run(lambda stop: run_service(service.value, stop))


# Its options, and the help on them, are those of the simulator's settings.
@app.command(add_help_option=False, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def simulator(context: typer.Context) -> None:
    """Run the simulated exchange alone: REST and websocket on one port; --help lists its options."""
    from cli.composing.simulate import simulate
    from shared.process import lifecycle

    lifecycle.run(lambda stop: simulate(context.args, stop))


@app.command()
def migrate(
    roles: Annotated[
        bool, typer.Option("--roles", help="Also make a role for each service and give it its rights, and no more.")
    ] = False,
) -> None:
    """Bring the database schema up to date."""
    from cli import command_runner
    from cli.operating import migrate as command

    command_runner.run(lambda stop: command.migrate(stop, roles=roles))


@app.command()
def inject(
    symbol: Annotated[str, typer.Argument(help="For example TESTUSDT.")],
    quote: Annotated[str, typer.Option(help="What it is priced in.")] = "USDT",
) -> None:
    """Publish a listing of your own making and let the pipeline handle it as any other."""
    from cli import command_runner
    from cli.operating import inject as command

    command_runner.run(lambda _: command.inject(symbol, quote))


@app.command()
def status(as_json: AsJson = False) -> None:
    """Show components, halts, limits, what is at stake, and the latest listings and trades."""
    from cli import command_runner
    from cli.operating import status as command

    command_runner.run(lambda _: command.show(as_json=as_json))


@app.command()
def history(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="So many entries at most.")] = 20, as_json: AsJson = False
) -> None:
    """Print who decided what, newest first: limits, halts, sales, exits, write-offs, settled orders."""
    from cli import command_runner
    from cli.display import history as command

    command_runner.run(lambda _: command.show(limit, as_json=as_json))


@app.command()
def doctor(
    service: Annotated[
        list[Service] | None, typer.Option(help="Look only at what this service needs; may be given several times.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Look at broker, database, exchange, disk and limits: a line each, with what to do; exit code 0 if all is well.

    1 says that something is wrong, 2 that a setting is.
    """
    from cli import command_runner
    from cli.doctor import report

    names = [each.value for each in service] if service else report.usual()
    codes: list[int] = []

    async def main(_: object) -> None:
        codes.append(await report.examine(names, as_json=as_json))

    command_runner.run(main)
    raise typer.Exit(max(codes))


@notify_app.command("test")
def notify_test() -> None:
    """Send one message to every address of SNIPER_NOTIFIER_URLS, and say which took it."""
    from cli import command_runner
    from cli.operating import notify as command

    command_runner.run(lambda _: command.test())


@app.command()
def halt(
    words: Annotated[list[str] | None, typer.Argument(help="Why.", metavar="[REASON]...")] = None,
    reason: Annotated[str, typer.Option(help="Kept with the halt, and in the record.")] = "by hand",
    exits: Annotated[bool, typer.Option("--all", help="Sell nothing either: positions stay as they are.")] = False,
) -> None:
    """Buy nothing more until `sniper resume`; listings are still seen and stored, and positions still closed."""
    from cli import command_runner
    from cli.operating import halts as command

    # Whoever is in a hurry is not to be told how to spell it.
    command_runner.run(lambda _: command.halt(" ".join(words or [reason]), exits=exits))


@app.command("halt-and-close")
def halt_and_close(
    words: Annotated[list[str] | None, typer.Argument(help="Why.", metavar="[REASON]...")] = None,
) -> None:
    """Buy nothing more until `sniper resume`, and sell everything that is held, now."""
    from cli import command_runner
    from cli.operating import halts as command

    command_runner.run(lambda _: command.halt_and_close(" ".join(words or ["by hand"])))


@app.command()
def resume() -> None:
    """Allow trading again, within the limits, whoever or whatever halted it."""
    from cli import command_runner
    from cli.operating import halts as command

    command_runner.run(lambda _: command.resume())


@app.command()
def acknowledge() -> None:
    """Confirm that you know what was listed under a name that no event has a place for: ingest is well again."""
    from cli import command_runner
    from cli.operating import acknowledge as command

    command_runner.run(lambda _: command.acknowledge())


@app.command()
def close(
    what: Annotated[str, typer.Argument(metavar="SYMBOL|LISTING_KEY", help="For example ABCUSDT, or ABCUSDT:1.")],
    mode: Annotated[ModeName | None, typer.Option(help="In this one only.")] = None,
) -> None:
    """Have the executor sell a position at the price of the moment; who asked for it is recorded."""
    from cli import command_runner
    from cli.operating import positions as command
    from shared.events import Mode

    command_runner.run(lambda _: command.close(what, None if mode is None else Mode(mode.value)))


@app.command()
def watch(
    since: Annotated[float, typer.Option(min=0, metavar="MINUTES", help="Start with what was stored since.")] = 0,
    limit: Annotated[int, typer.Option(min=0, help="Stop after this many; 0 goes on.")] = 0,
) -> None:
    """Print listings and trades as they are stored."""
    from cli import command_runner
    from cli.display import watch as command

    command_runner.run(lambda stop: command.watch(stop, since_minutes=since, limit=limit))


@app.command()
def replay(  # noqa: PLR0913, PLR0917 - options of a command
    where: Annotated[str, typer.Option("--from", metavar="archive|FILE", help="The broker's archive, or a file.")],
    since: Annotated[str | None, typer.Option(metavar="TIME", help="From then on; ISO 8601 with its offset.")] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Before then.")] = None,
    speed: Annotated[float, typer.Option(min=0, help="So many times as fast as it came; 0: as fast as it goes.")] = 0,
    limits: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A limit, as `sniper config get` shows it.")
    ] = None,
    database: Annotated[str | None, typer.Option(metavar="URL", help="An empty one; else one of our own.")] = None,
    broker: Annotated[str | None, typer.Option(metavar="URL", help="An empty vhost; else none is needed.")] = None,
    save: Annotated[Path | None, typer.Option(metavar="FILE", help="Keep the events that were read.")] = None,
    as_json: AsJson = False,
) -> None:
    """Decide again on what was seen, under the settings of now, and print what was decided then and now side by side.

    It happens in a sandbox: nothing is bought, and no live database or broker is touched.
    """
    from cli import command_runner
    from cli.replay import report
    from cli.replay.recording import Span

    async def main(_: object) -> None:
        span = Span(report.moment("--since", since), report.moment("--until", until))
        request = report.Request(where, span, speed, limits or (), database, broker, save)
        await report.run(request, as_json=as_json)

    command_runner.run(main)


@app.command()
def completion(shell: Annotated[Shell, typer.Argument(help="Which one you use.")]) -> None:
    """Print what your shell sources to complete our command lines."""
    from cli.completion import script

    print(script(shell.value))


manual.attach(app)


def main() -> None:
    """Entry point of the `sniper` command."""
    from cli import completion as answers

    answers.get_ready()
    app(prog_name="sniper")
