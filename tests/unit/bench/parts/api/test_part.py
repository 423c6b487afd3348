import re
from pathlib import Path

from api.dashboard import files
from bench.parts.api.part import OPENING


def test_the_benchmarks_dashboards_ask_for_what_the_page_asks_for() -> None:
    store = (Path(files.FOLDER) / "store.js").read_text(encoding="utf-8")
    [paths] = re.findall(r"const PATHS = \{(.*?)\};", store, re.DOTALL)

    assert tuple(re.findall(r'"(/[^"]*)"', paths)) == OPENING
