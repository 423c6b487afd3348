"""`sniper history`: who decided what, and when."""

from rich.console import Console

from api.reading import history
from api.reading.history import HistoryEntry, HistoryFilter
from api.reading.reader import Reader
from cli import command_runner


async def show(limit: int, *, as_json: bool) -> None:
    """Print the latest decisions, newest first."""
    async with command_runner.database() as database:
        found = await history.read(Reader(database), HistoryFilter(limit=limit))
    lines = [_line(each) for each in found.items] or ["nothing was decided yet"]
    text = found.model_dump_json(indent=2) if as_json else "\n".join(lines)
    Console(soft_wrap=True).print(text, markup=False, highlight=False)


def _line(entry: HistoryEntry) -> str:
    return f"{entry.created_at:%Y-%m-%d %H:%M:%S} UTC  {entry.made_by}: {entry.words}"
