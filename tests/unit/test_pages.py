"""Links between the pages of the documentation."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]


def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_between_pages_leads_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#:]*)#?([^):]*)\)", page.read_text(encoding="utf-8")):
        linked = page if not target else (page.parent / target)
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), anchor


def test_the_page_on_orders_lists_its_sections_in_order() -> None:
    text = (ROOT / "docs" / "orders.md").read_text(encoding="utf-8")

    assert re.findall(r"^- \[(.+)\]\(#", text, re.MULTILINE) == re.findall(r"^## (.+)$", text, re.MULTILINE)


def test_the_glossary_has_each_term_once_and_in_order() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    terms = re.findall(r"^\| ([^|]+) \|", text, re.MULTILINE)[2:]

    assert len(terms) > 40
    assert terms == sorted(set(terms), key=str.lower)


def test_every_measured_figure_of_the_readme_stands_on_a_page_that_it_links_to() -> None:
    rows = [line for line in proven() if re.search(r"\d (ms|calls)\b", line)]
    figures = [(figure, row) for row in rows for figure in re.findall(r"\b\d[\d.,]*(?= (?:ms|calls)\b)", row)]

    assert len(figures) >= 4
    for figure, row in figures:
        pages = re.findall(r"\]\((docs/[\w-]+\.md)", row)
        assert any(re.search(rf"\b{re.escape(figure)}\b", (ROOT / page).read_text()) for page in pages), figure


def test_the_readme_has_the_sums_of_the_mutation_tests() -> None:
    table = re.findall(r"^\| \w+ \| (\d+) \| (\d+) \|$", (ROOT / "docs" / "mutation.md").read_text(), re.MULTILINE)
    changes, noticed = (sum(map(int, column)) for column in zip(*table, strict=True))

    assert any(f"{changes:,} changes" in row and f"noticed {noticed:,};" in row for row in proven())


def proven() -> list[str]:
    """The lines of the README's section about evidence."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    return readme.partition("## Evidence")[2].partition("\n## ")[0].splitlines()
