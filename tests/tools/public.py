"""Find public functions, classes and methods of production code that production code does not use.

A function or class counts as used where it is read in its own module or through an import of it, a method where any
attribute of its name is read. Also used are names in documents, build files and strings, whatever a decorator
registers, and methods that a base class of a library calls.
`python -m tests.tools.public` prints the rest, and exits 1 unless `ALLOWED` excuses all of it.
"""

import ast
import importlib
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from tests.tools.sources import PACKAGES, ROOT, Module, modules_in
from tests.tools.uses import Definition, Named, Uses, code_of, last_name, names_read

ALLOWED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "migrations.downgrade": "The tests of a migration start before it; no command goes back.",
        "shared.mexc.orders.order_api.MexcTrading.place_order": "The tests of the client place single orders.",
        "shared.mexc.orders.order_payloads.acknowledged_order_id": "The tests of the account look orders up by id.",
    }
)
"""Names that may stay unused, each with its reason: `executor.model.order.Order.is_open`."""
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
CALLED_BY_NAME: Final = re.compile(r"do_[A-Z]+|visit_\w+")
"""Methods whose names libraries put together."""
VERSIONS: Final = ROOT / "migrations" / "versions"
DOCUMENTS: Final = ("docs/**/*.md", "*.md", "Makefile", "pyproject.toml", "mkdocs.yml", "deploy/**/*", "requirements/*")
IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
CODE: Final = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)


def definitions(module: Module) -> Iterator[Definition]:
    """Yield the public definitions of *module* that nothing registers or calls by a name it makes up."""
    for node in module.tree.body:
        if isinstance(node, Named) and _is_public(node):
            yield Definition(module, "", node)
        if isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, Named) and _is_public(inner):
                    yield Definition(module, node.name, inner)


def _is_public(node: Named) -> bool:
    if node.name.startswith("_") or CALLED_BY_NAME.fullmatch(node.name):
        return False
    return all(last_name(each) in PLAIN_DECORATORS for each in node.decorator_list)


def unused(modules: Sequence[Module], named_elsewhere: Iterable[str] = ()) -> Sequence[Definition]:
    """Return the public definitions that *modules* use nowhere but inside themselves."""
    uses = Uses(modules)
    elsewhere = frozenset(named_elsewhere) | uses.in_strings
    return [
        each
        for module in modules
        for each in definitions(module)
        if each.name not in elsewhere and not uses.has(each)
    ]  # fmt: skip


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
    """Return the names that tests read; a name that only they use is not dead."""
    return frozenset(
        name for module in modules_in(["tests"], root) for node in code_of(module) for name in names_read(node)
    )


def main() -> int:
    modules = [*modules_in(PACKAGES), *_migrations()]
    candidates = (each for each in unused(modules, names_in_documents()) if not _is_migration(each.module))
    found = [each for each in candidates if not is_called_by_library(each)]
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
    """Return the versions of the schema, which use names and define none for others."""
    return [Module(each.relative_to(ROOT), each.read_text(encoding="utf-8")) for each in sorted(VERSIONS.glob("*.py"))]


def _is_migration(module: Module) -> bool:
    return ROOT / module.path.parent == VERSIONS


if __name__ == "__main__":
    sys.exit(main())
