"""Commands of `sniper orders`, with imports made when one runs, so that --help answers at once."""
# ruff: noqa: PLC0415

from typing import Annotated

import typer

orders_app = typer.Typer(help="Settle orders whose outcome the exchange does not report.", no_args_is_help=True)


@orders_app.command("settle")
def settle(
    client_order_id: Annotated[str, typer.Argument(metavar="CLIENT_ID", help="As `sniper status` shows it.")],
    reason: Annotated[str, typer.Option(help="Why, for the record.")],
    absent: Annotated[bool, typer.Option("--absent", help="The order never took place.")] = False,
    filled: Annotated[str | None, typer.Option(metavar="QTY", help="Executed quantity, before any fee.")] = None,
    cost: Annotated[str | None, typer.Option(metavar="QUOTE", help="Its cost or proceeds, before any fee.")] = None,
    fee: Annotated[str | None, typer.Option(metavar="AMOUNT:ASSET", help="Fee the exchange took.")] = None,
) -> None:
    """Let the executor record the outcome of an unknown order; author and reason are recorded."""
    from cli import command_runner
    from cli.operating import settle as command

    async def main(_: object) -> None:
        outcome = command.outcome_of(absent=absent, filled=filled, cost=cost, fee=fee)
        await command.settle(client_order_id, outcome, reason)

    command_runner.run(main)
