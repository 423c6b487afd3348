"""The site of the documentation, built and opened as its readers do."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

import pytest

from reference.diagrams import BLOCK, UntitledError, with_pictures
from tests.support.browsing.browsers import running_chromium

ROOT: Final = Path(__file__).parents[3]
SOURCES: Final = tuple((ROOT / "docs").glob("*.md"))
SITE: Final = ROOT / "build" / "site"
DRAWN: Final = tuple(
    (page.stem, number, block[1])
    for page in SOURCES
    for number, block in enumerate(BLOCK.finditer(page.read_text(encoding="utf-8")), start=1)
)
WORD: Final = re.compile(r"[\w.]+")
LABELLED: Final = re.compile(r"(\w+)[\[(]+([\w .]+)[\])]+")
SEQUENCED: Final = re.compile(
    r"^\s*(?:participant (?:\w+ as )?|\w+-{1,2}>>\w+: |Note over [\w,]+: )(.+)$", re.MULTILINE
)
"""A participant, a message or a note."""
SVG: Final = "{http://www.w3.org/2000/svg}"
EMPTY_PICTURES: Final = "() => [...document.images].filter(each => !each.naturalWidth).map(each => each.src)"
BUILDER: Final = ROOT / ".venv" / "docs" / "bin" / "zensical"


@pytest.fixture(scope="module")
def built() -> Path:
    """The site, as `make docs` builds it; the first time it fetches what that takes."""
    made = subprocess.run(["make", "docs"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=240)
    assert made.returncode == 0, made.stdout + made.stderr
    return SITE


@pytest.fixture(scope="module")
def pages(built: Path) -> list[Path]:
    return sorted(built.glob("*.html"))


@pytest.mark.timeout(300)
async def test_no_page_asks_anything_of_anybody_else(pages: list[Path]) -> None:
    asked: list[str] = []
    empty: list[str] = []
    async with running_chromium(os.environ) as browser:
        tab = await browser.new_page()
        tab.on("request", lambda request: asked.append(request.url))
        for page in pages:
            await tab.goto(page.as_uri(), wait_until="load")
            empty += await tab.evaluate(EMPTY_PICTURES)

    assert len(pages) == len(SOURCES) + 1  # and 404.html
    assert [url for url in asked if not url.startswith(("file://", "data:", "blob:"))] == []
    assert empty == []


@pytest.mark.parametrize(("page", "number", "source"), DRAWN, ids=[f"{page}-{number}" for page, number, _ in DRAWN])
def test_a_diagram_is_a_picture_with_its_words(built: Path, page: str, number: int, source: str) -> None:
    html = (built / f"{page}.html").read_text(encoding="utf-8")
    [path] = re.findall(rf'<img [^>]*src="(diagrams/{page}-{number}\.svg)"', html)
    picture = ET.parse(built / path).getroot()
    told = " ".join(word for text in picture.iter(f"{SVG}text") for word in text.itertext())

    assert "stateDiagram" not in html
    assert "sequenceDiagram" not in html
    assert picture.tag == f"{SVG}svg"
    assert words_in(source) - set(WORD.findall(told)) == set()


def words_in(source: str) -> set[str]:
    """Return the words of a diagram: labels, names without a label, and those on arrows."""
    if source.startswith("sequenceDiagram"):
        return {word for said in SEQUENCED.findall(source) for word in WORD.findall(said)}
    lines = "\n".join(line for line in source.splitlines()[1:] if "accTitle" not in line)
    labelled = dict(LABELLED.findall(lines))
    others = set(WORD.findall(LABELLED.sub("", lines))) - labelled.keys()
    return others.union(*(WORD.findall(label) for label in labelled.values()))


def test_a_diagram_that_says_nothing_to_those_who_do_not_see_it_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UntitledError, match="page: diagram 1 has no accTitle"):
        with_pictures("```mermaid\nflowchart LR\n    a --> b\n```\n", "page", tmp_path)


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize("link", ["nowhere.md", "glossary.md#nowhere"])
def test_a_link_that_leads_nowhere_is_an_error(link: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "build" / "docs", tmp_path / "build" / "docs")
    shutil.copyfile(ROOT / "mkdocs.yml", tmp_path / "mkdocs.yml")
    with (tmp_path / "build" / "docs" / "index.md").open("a") as page:
        page.write(f"\n[elsewhere]({link})\n")
    command = [str(BUILDER), "build", "--strict", "--config-file", "mkdocs.yml"]

    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode != 0
    assert "does not exist" in ended.stdout + ended.stderr
