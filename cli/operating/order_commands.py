"""The commands of `sniper orders`. Each imports what it needs, so that --help answers at once."""
# ruff: noqa: PLC0415

from typing import Annotated

import typer

orders_app = typer.Typer(help="Decide about orders that the exchange does not explain.", no_args_is_help=True)


@orders_app.command("settle")
def settle(
    client_order_id: Annotated[str, typer.Argument(metavar="CLIENT_ID", help="As `sniper status` shows it.")],
    reason: Annotated[str, typer.Option(help="Why, for the record.")],
    absent: Annotated[bool, typer.Option("--absent", help="It never took place.")] = False,
    filled: Annotated[str | None, typer.Option(metavar="QTY", help="What was executed, before any fee.")] = None,
    cost: Annotated[str | None, typer.Option(metavar="QUOTE", help="What that cost or brought, before a fee.")] = None,
    fee: Annotated[str | None, typer.Option(metavar="AMOUNT:ASSET", help="What the exchange took.")] = None,
) -> None:
    """Have the executor record what became of an order in doubt; who asked for it, and why, is recorded."""
    from cli import command_runner
    from cli.operating import settle as command

    async def main(_: object) -> None:
        outcome = command.outcome_of(absent=absent, filled=filled, cost=cost, fee=fee)
        await command.settle(client_order_id, outcome, reason)

    command_runner.run(main)
