"""The site of the documentation, built and opened as its readers do."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.browsers import running_chromium

ROOT: Final = Path(__file__).parents[3]
SOURCES: Final = tuple((ROOT / "docs").glob("*.md"))
SITE: Final = ROOT / "build" / "site"
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
    async with running_chromium(os.environ) as browser:
        tab = await browser.new_page()
        tab.on("request", lambda request: asked.append(request.url))
        for page in pages:
            await tab.goto(page.as_uri(), wait_until="load")

    assert len(pages) == len(SOURCES) + 1  # and 404.html
    assert [url for url in asked if not url.startswith(("file://", "data:", "blob:"))] == []


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
