"""Find where modules use names that other modules define: through imports, attributes and strings."""

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from tests.tools.measures import origin_of
from tests.tools.sources import Function, Module

REFERENCE: Final = re.compile(r"[A-Za-z_]\w*(?:[.:][A-Za-z_]\w*)*")

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


class Uses:
    """Uses of the names that *modules* define."""

    def __init__(self, modules: Sequence[Module]) -> None:
        self._imports = {module.name: _imports_of(module) for module in modules}
        self._read = Counter(name for module in modules for node in code_of(module) for name in names_read(node))
        self._resolved = {
            found for module in modules for name in self._full_names(module) for found in self._resolve(name)
        }
        self.in_strings = frozenset(name for module in modules for node in code_of(module) for name in _in_string(node))

    def has(self, definition: Definition) -> bool:
        """Return whether *definition* is used outside itself."""
        if not definition.owner:
            return definition.full_name in self._resolved
        inside = Counter(name for node in ast.walk(definition.node) for name in names_read(node))
        return self._read[definition.name] > inside[definition.name]

    def _full_names(self, module: Module) -> Iterator[str]:
        """Yield what *module* reads by its dotted name, but for what a definition reads of itself."""
        imports = self._imports[module.name]
        for statement in module.tree.body:
            itself = statement.name if isinstance(statement, Named) else ""
            for node in ast.walk(statement):
                dotted = _dotted(node)
                first, _, rest = dotted.partition(".")
                yield from (f"{target}.{rest}" if rest else target for target in imports.get(first, ()))
                if first and first != itself and not _is_export_list(statement):
                    yield f"{module.name}.{first}"

    def _resolve(self, name: str) -> Iterator[str]:
        """Follow *name* through the packages that only pass it on."""
        yield name
        module, _, last = name.rpartition(".")
        for target in self._imports.get(module, {}).get(last, ()):
            if target != name:
                yield from self._resolve(target)


def _imports_of(module: Module) -> Mapping[str, AbstractSet[str]]:
    """Return what each imported name stands for; functions of one module may import different things by one name."""
    found: dict[str, set[str]] = {}
    for name, target in _imported(module):
        found.setdefault(name, set()).add(target)
    return found


def _imported(module: Module) -> Iterator[tuple[str, str]]:
    """Yield the names that imports bind in *module*, and what each stands for."""
    for node in ast.walk(module.tree):
        match node:
            case ast.Import(names=names):
                for each in names:
                    first = each.name.partition(".")[0]
                    yield (each.asname, each.name) if each.asname else (first, first)
            case ast.ImportFrom(names=names):
                for each in names:
                    yield each.asname or each.name, f"{origin_of(node, module)}.{each.name}"


def code_of(module: Module) -> Iterator[ast.AST]:
    """Yield the nodes of *module*, but for the list of names that it exports."""
    for statement in module.tree.body:
        if not _is_export_list(statement):
            yield from ast.walk(statement)


def _dotted(node: ast.AST) -> str:
    """Return `a.b.c` where *node* is a name or an attribute of one; empty where it is anything else."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attribute) if before := _dotted(value):
            return f"{before}.{attribute}"
    return ""


def names_read(node: ast.AST) -> Iterator[str]:
    """Yield the name that *node* reads, if it is a name or an attribute."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            yield name


def _in_string(node: ast.AST) -> Iterator[str]:
    """Yield the names in a string that is nothing but a name, such as `cli.main:main`."""
    match node:
        case ast.Constant(value=str(text)) if REFERENCE.fullmatch(text):
            yield from re.split(r"[.:]", text)


def _is_export_list(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Assign) and any(last_name(target) == "__all__" for target in statement.targets)


def last_name(decorator: ast.expr) -> str:
    """Return the last part of a dotted name, called or not."""
    match decorator:
        case ast.Call(func=called):
            return last_name(called)
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""
