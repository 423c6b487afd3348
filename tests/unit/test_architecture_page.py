"""Paths, names, rooms and layers on the page about the architecture, compared with the tree."""

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from shared.wire import topology

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PROSE: Final = re.sub(r"^```.*?^```", "", PAGE, flags=re.MULTILINE | re.DOTALL)
LINKED: Final = sorted({(ROOT / "docs" / path).resolve() for path in re.findall(r"\]\((\.\./[^)#]+)\)", PAGE)})
NAMED: Final = sorted(
    {name for name in re.findall(r"`([a-z_]+\.[A-Za-z_]+)`", PROSE) if not name.endswith((".py", ".toml"))}
)
BLOCKS: Final = dict(re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
TREE: Final = BLOCKS[""]
LAYERS: Final = [
    contract
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    if contract["type"] == "layers"
]
QUESTIONS_MIN: Final = 10


@pytest.mark.parametrize("path", LINKED, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_linked_path_exists(path: Path) -> None:
    assert path.is_file()


@pytest.mark.parametrize("name", NAMED)
def test_every_name_stands_in_the_linked_file_of_its_module(name: str) -> None:
    module, _, wanted = name.partition(".")
    if (ROOT / module).is_dir():
        assert (ROOT / module / wanted).is_dir()
    elif name not in routing_keys():
        assert wanted in {each for path in LINKED if path.stem == module for each in names_in(path)}


def routing_keys() -> set[str]:
    bound = {binding.pattern for queue in topology.QUEUES for binding in queue.bindings}
    return bound | {queue.name for queue in topology.QUEUES}


def names_in(path: Path) -> Iterator[str]:
    """Yield functions, methods, classes and assigned names, of modules and of classes."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Name(id=name, ctx=ast.Store()):
                yield name


def test_every_path_without_a_link_exists() -> None:
    paths = re.findall(r"`([a-z_]+(?:/[\w.]+)+)`", PROSE)

    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_table_of_questions_answers_enough() -> None:
    questions = re.findall(r"^\| ([A-Z][^|]+\?) \| .*`[a-z_]+\.[A-Za-z_]+`", PAGE, re.MULTILINE)

    assert len(questions) >= QUESTIONS_MIN


def test_the_tree_has_a_line_for_every_room() -> None:
    packages = {path.parent.relative_to(ROOT) for path in ROOT.glob("*/**/__init__.py") if ".venv" not in path.parts}
    rooms = {path for path in packages if path.parts[0] not in {"tests", "build"}}

    assert rooms - set(rooms_in_the_tree()) == set()
    assert [room for room in rooms_in_the_tree() if not (ROOT / room).is_dir()] == []


def rooms_in_the_tree() -> Iterator[Path]:
    above: list[str] = []
    for line in TREE.splitlines():
        indent, name = re.match(r"( *)([\w]+)/ ", line).groups()  # type: ignore[union-attr]
        above = [*above[: len(indent) // 4], name]
        yield Path(*above)


@pytest.mark.parametrize("contract", LAYERS, ids=lambda contract: contract["name"])
def test_the_layers_are_those_of_the_import_linter(contract: Mapping[str, Any]) -> None:
    where = f"`{contract['containers'][0]}`" if "containers" in contract else "the whole"
    layers = (", ".join(f"`{each.strip()}`" for each in layer.split("|")) for layer in contract["layers"])

    assert f"| {where} | {' → '.join(layers)} |" in PAGE.splitlines()
