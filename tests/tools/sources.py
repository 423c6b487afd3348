"""Read production code: its modules, their syntax trees and their prose."""

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = (
    "api",
    "bench",
    "cli",
    "contract",
    "dedup",
    "executor",
    "ingest",
    "migrations",
    "notifier",
    "persister",
    "reference",
    "shared",
    "simulator",
)
GENERATED: Final = frozenset({"wire_pb2.py"})
SKIPPED_FOLDERS: Final = frozenset({"versions", "__pycache__"})
DIRECTIVE: Final = re.compile(r"#\s*(noqa|type:|ruff:|pragma|fmt:|mypy:).*")
CODE_SPAN: Final = re.compile(r"``[^`]+``|`[^`\n]+`")

Function = ast.FunctionDef | ast.AsyncFunctionDef


class SourceError(Exception):
    """A path or a file that cannot be measured."""


@dataclass(frozen=True)
class Module:
    """One Python file; *path* is relative to the root of the repository."""

    path: Path
    source: str

    @cached_property
    def tree(self) -> ast.Module:
        try:
            return ast.parse(self.source)
        except SyntaxError as error:
            raise SourceError(f"{self.path}:{error.lineno}: {error.msg}") from None

    @property
    def folder(self) -> str:
        return self.path.parent.as_posix()

    @property
    def name(self) -> str:
        """Dotted name, as an import spells it."""
        parts = self.path.with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def is_init(self) -> bool:
        return self.path.name == "__init__.py"


@dataclass(frozen=True)
class Prose:
    """A docstring, or comments on consecutive lines, and the line it starts at."""

    line: int
    text: str


def modules_in(paths: Iterable[str], root: Path = ROOT) -> Sequence[Module]:
    """Return the modules in these files and folders, without generated ones; raise SourceError for a missing path."""
    return [
        Module(path.relative_to(root), path.read_text(encoding="utf-8"))
        for given in paths
        for path in _files((root / given).resolve(), root, given)
    ]


def _files(place: Path, root: Path, given: str) -> Iterator[Path]:
    if not place.exists() or not place.is_relative_to(root):
        raise SourceError(f"{given}: no such file or folder in the repository")
    if place.is_file() and place.suffix != ".py":
        raise SourceError(f"{given}: no Python file")
    found = [place] if place.is_file() else sorted(place.rglob("*.py"))
    return (each for each in found if each.name not in GENERATED and not SKIPPED_FOLDERS & set(each.parts))


def prose_of(module: Module) -> Sequence[Prose]:
    """Return docstrings and comments in the order of their lines; code spans and directives are blanked."""
    return sorted((*docstrings(module.tree), *comments(module.source)), key=lambda each: each.line)


def docstrings(tree: ast.Module) -> Iterator[Prose]:
    """Yield every string that stands as a statement, attribute docstrings included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield Prose(node.lineno, _without_code(node.value.value))


def comments(source: str) -> Iterator[Prose]:
    """Yield comments; those that fill consecutive lines are one text, with a line break between."""
    block: list[tokenize.TokenInfo] = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        if block and not _continues(block[-1], token):
            yield _joined(block)
            block = []
        block.append(token)
    if block:
        yield _joined(block)


def _continues(last: tokenize.TokenInfo, token: tokenize.TokenInfo) -> bool:
    return token.start[0] == last.start[0] + 1 and token.start[1] == last.start[1]


def _joined(block: Sequence[tokenize.TokenInfo]) -> Prose:
    texts = (DIRECTIVE.sub("", each.string).lstrip("#").strip() for each in block)
    return Prose(block[0].start[0], _without_code("\n".join(texts)))


def _without_code(text: str) -> str:
    """Blank code spans and keep line breaks, so that lines can still be counted."""
    return CODE_SPAN.sub(lambda span: re.sub(r"[^\n]", " ", span.group()), text)


def functions_of(tree: ast.Module) -> Sequence[Function]:
    """Return all functions and methods, nested ones included."""
    return [node for node in ast.walk(tree) if isinstance(node, Function)]
