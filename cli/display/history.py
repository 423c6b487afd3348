"""`sniper history`: decisions with their author and time."""

from rich.console import Console

from api.reading import history
from api.reading.history import HistoryFilter
from api.reading.reader import Reader
from cli import command_runner


async def show(limit: int, *, as_json: bool) -> None:
    """Print the latest decisions, newest first."""
    async with command_runner.database() as database:
        found = await history.read(Reader(database), HistoryFilter(limit=limit))
    lines = [f"{each.created_at:%Y-%m-%d %H:%M:%S} UTC  {each.made_by}: {each.words}" for each in found.items]
    text = found.model_dump_json(indent=2) if as_json else "\n".join(lines or ["nothing was decided yet"])
    Console(soft_wrap=True).print(text, markup=False, highlight=False)
