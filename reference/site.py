"""`python -m reference.site DIRECTORY`: lay out the pages of docs/ for the site that `make docs` builds.

Links out of docs/ would be dead on a site: they become paths in the repository. Diagrams, which GitHub renders itself,
become pictures. Run it with a Python that has the packages of `requirements/docs.txt`.
"""

import re
import shutil
import sys
from pathlib import Path
from typing import Final

from reference.diagrams import with_pictures

ROOT: Final = Path(__file__).parents[1]
_OUTWARD: Final = re.compile(r"\[([^\]]+)\]\(\.\./([^)#\s]+)(#[^)]*)?\)")
_WANTED: Final = ("*.md", "asyncapi.yaml", "schemas/*.json", "examples/*/*.*", "pictures/*.webp")


def lay_out(directory: Path) -> None:
    """Fill *directory*, which is emptied first."""
    shutil.rmtree(directory, ignore_errors=True)
    docs = ROOT / "docs"
    for source in sorted(path for pattern in _WANTED for path in docs.glob(pattern)):
        target = directory / source.relative_to(docs)
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.suffix == ".md":
            page = with_pictures(inward(source.read_text(encoding="utf-8")), source.stem, directory)
            target.write_text(page, encoding="utf-8")
        else:
            shutil.copyfile(source, target)


def inward(text: str) -> str:
    """Return a page without links that lead out of docs/."""
    return _OUTWARD.sub(lambda link: _inline_path(link[1], link[2]), text)


def _inline_path(words: str, path: str) -> str:
    return f"`{path}`" if words.strip("`/") in path else f"{words} (`{path}`)"


if __name__ == "__main__":
    lay_out(Path(sys.argv[1]))
