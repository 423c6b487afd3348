"""Find public functions, classes and methods of production code that production code does not use.

Names are compared, not objects: a method counts as used where any attribute of its name is read. Also used are names in
documents and build files, whatever a decorator registers, and methods that a base class of a library calls.
`python -m tests.tools.public` prints the rest, and exits 1 unless `ALLOWED` excuses all of it.
"""

import ast
import importlib
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from tests.tools.sources import PACKAGES, ROOT, Function, Module, modules_in

ALLOWED: Final[Mapping[str, str]] = MappingProxyType({})
"""Names that may stay unused, each with its reason: `executor.order.Order.is_open`."""
PLAIN_DECORATORS: Final = frozenset(
    {
        "abstractmethod",
        "asynccontextmanager",
        "cache",
        "cached_property",
        "classmethod",
        "contextmanager",
        "dataclass",
        "final",
        "lru_cache",
        "overload",
        "override",
        "property",
        "runtime_checkable",
        "setter",
        "staticmethod",
        "total_ordering",
    }
)
"""Decorators that register nothing; every other counts as a use."""
DOCUMENTS: Final = ("docs/**/*.md", "*.md", "Makefile", "pyproject.toml", "mkdocs.yml", "deploy/**/*", "requirements/*")
IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
CODE: Final = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)

Named = Function | ast.ClassDef


@dataclass(frozen=True, slots=True)
class Definition:
    """A public function, class or method, and the mentions of its own name inside it."""

    module: Module
    owner: str
    """Name of the class of a method; empty for others."""
    node: Named

    @property
    def name(self) -> str:
        return self.node.name

    @property
    def full_name(self) -> str:
        return ".".join(part for part in (self.module.name, self.owner, self.name) if part)

    def __str__(self) -> str:
        return f"{self.module.path.as_posix()}:{self.node.lineno}: {self.full_name}"


def definitions(module: Module) -> Iterator[Definition]:
    """Yield the public definitions of *module* that no decorator registers."""
    for node in module.tree.body:
        if isinstance(node, Named) and _is_public(node):
            yield Definition(module, "", node)
        if isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, Named) and _is_public(inner):
                    yield Definition(module, node.name, inner)


def _is_public(node: Named) -> bool:
    return not node.name.startswith("_") and all(_last(each) in PLAIN_DECORATORS for each in node.decorator_list)


def _last(decorator: ast.expr) -> str:
    match decorator:
        case ast.Call(func=called):
            return _last(called)
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def mentions(tree: ast.AST) -> Iterator[str]:
    """Yield the names that *tree* reads, and strings that could name something; imports alone use nothing."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name):
                yield name
            case ast.Constant(value=str(text)) if len(text) < 80:  # noqa: PLR2004 - prose is longer
                yield from re.split(r"[.:]", text) if IDENTIFIER.fullmatch(re.sub(r"[.:]", "_", text)) else ()


def unused(modules: Sequence[Module], named_elsewhere: Iterable[str] = ()) -> Sequence[Definition]:
    """Return the public definitions that *modules* mention nowhere but inside themselves."""
    used = Counter(name for module in modules for name in _mentions_of(module))
    elsewhere = frozenset(named_elsewhere)
    return [
        each
        for module in modules
        for each in definitions(module)
        if each.name not in elsewhere and used[each.name] == _mentions_inside(each)
    ]


def _mentions_of(module: Module) -> Iterator[str]:
    """Yield what *module* mentions, but for the list of names that it exports."""
    for statement in module.tree.body:
        if not _is_export_list(statement):
            yield from mentions(statement)


def _is_export_list(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Assign) and any(_last(target) == "__all__" for target in statement.targets)


def _mentions_inside(definition: Definition) -> int:
    return sum(name == definition.name for name in mentions(definition.node))


def is_called_by_library(definition: Definition) -> bool:
    """Return whether a base class from a library has a method of this name: it is the library that calls it."""
    if not definition.owner:
        return False
    owner = getattr(importlib.import_module(definition.module.name), definition.owner)
    bases = [base for base in owner.__mro__[1:] if base.__module__.partition(".")[0] not in PACKAGES]
    return any(definition.name in vars(base) for base in bases)


def names_in_documents(root: Path = ROOT) -> frozenset[str]:
    """Return the identifiers in the code of documents, and in all of a build file."""
    files = [each for pattern in DOCUMENTS for each in root.glob(pattern) if each.is_file()]
    return frozenset(name for file in files for name in _identifiers(file))


def _identifiers(file: Path) -> Iterator[str]:
    text = file.read_text(encoding="utf-8", errors="ignore")
    for code in CODE.findall(text) if file.suffix == ".md" else [text]:
        yield from IDENTIFIER.findall(code)


def names_in_tests(root: Path = ROOT) -> frozenset[str]:
    """Return the names that tests mention, to tell what they alone use from what is dead."""
    return frozenset(name for module in modules_in(["tests"], root) for name in mentions(module.tree))


def main() -> int:
    modules = [*modules_in(PACKAGES), *_migrations()]
    found = [each for each in unused(modules, names_in_documents()) if not is_called_by_library(each)]
    excused = {each.full_name for each in found} & set(ALLOWED)
    in_tests = names_in_tests()
    wrong = [
        f"{each}: {'used by tests only' if each.name in in_tests else 'not used at all'}"
        for each in found
        if each.full_name not in excused
    ]
    wrong += [f"{name}: is allowed and needs no excuse" for name in sorted(set(ALLOWED) - excused)]
    print("\n".join(wrong) or "Production code uses all that it makes public.")  # noqa: T201 - its output
    return int(bool(wrong))


def _migrations() -> Sequence[Module]:
    """Return the versions of the schema, which use names of production code and define none of their own."""
    folder = ROOT / "migrations" / "versions"
    return [Module(each.relative_to(ROOT), each.read_text(encoding="utf-8")) for each in sorted(folder.glob("*.py"))]


if __name__ == "__main__":
    sys.exit(main())
