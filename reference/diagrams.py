"""Mermaid diagrams of the pages as SVG, rendered at build time: readers run no script and fetch none."""

import json
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

BLOCK: Final = re.compile(r"^```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TITLE: Final = re.compile(r"^\s*accTitle:\s*(.+?)\s*$", re.MULTILINE)
FOLDER: Final = "diagrams"
RENDERER: Final = Path(sys.executable).with_name("mermaidx")
"""In the environment that builds the site: Mermaid itself, on a Javascript engine within a wheel."""
# Labels as SVG text, not as HTML, in a font that every reader has.
_CONFIGURATION: Final = {"htmlLabels": False, "flowchart": {"htmlLabels": False}, "fontFamily": "sans-serif"}
_CLEAR: Final = "background-color: transparent"
_WHITE: Final = "background-color: white"
"""Lines are dark, and the page may be, too."""


class UntitledError(Exception):
    """A diagram has no title for readers who do not see it."""


def with_pictures(page: str, name: str, directory: Path) -> str:
    """Return *page* with a picture in place of each Mermaid block, written to *directory*."""
    for number, block in enumerate(BLOCK.finditer(page), start=1):
        title = TITLE.search(block[1])
        if title is None:
            raise UntitledError(f"{name}: diagram {number} has no accTitle")
        path = f"{FOLDER}/{name}-{number}.svg"
        (directory / FOLDER).mkdir(exist_ok=True)
        (directory / path).write_text(svg(block[1]), encoding="utf-8")
        # Wide pictures open in a tab of their own.
        page = page.replace(block[0], f"[![{title[1]}]({path})]({path})", 1)
    return page


def svg(source: str) -> str:
    """Return *source* rendered as SVG."""
    with TemporaryDirectory() as directory:
        configuration = Path(directory) / "mermaid.json"
        configuration.write_text(json.dumps(_CONFIGURATION))
        command = [str(RENDERER), "--quiet", "--config", str(configuration), "--input", "-"]
        answer = subprocess.run(command, input=source, capture_output=True, text=True, check=True)  # noqa: S603
    return answer.stdout.replace(_CLEAR, _WHITE, 1)
