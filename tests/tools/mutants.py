"""Change the pure modules of the executor in every small way, one at a time, and see whether a test notices.

``python -m tests.tools.mutants [limits order_state …]`` prints the changes that none noticed. Nothing on the disk is
touched: each change is compiled in a process of its own, which imports it instead of the module and runs the module's
unit tests.
"""

import ast
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from itertools import chain
from pathlib import Path
from types import MappingProxyType, ModuleType

import hypothesis
import pytest

# Loaded once, before the processes part.
import shared.events
import shared.mexc.orders.order_api
import shared.settings  # noqa: F401

ROOT = Path(__file__).parents[2]
MODULES = (
    *("limits", "order_state", "strategy", "fill", "fill_simulation", "market_filters"),
    *("order_request", "order_corrections", "symbol_bounds", "response_classifier"),
)
_REQUESTS = ("order_request", "order_corrections")
TESTED_WITH: Mapping[str, Sequence[str]] = MappingProxyType(
    dict.fromkeys(_REQUESTS, _REQUESTS)
    | {"symbol_bounds": (*_REQUESTS, "price_band"), "limits": ("limits", "mass_listing")}
)
"""The modules whose unit tests notice a change of a module, where it has none of its own, or others beside them."""
SECONDS_MAX = 120
PYTEST = (
    *("-o", "addopts=", "-o", "filterwarnings=", "--import-mode=importlib", "--noconftest", "--assert=plain"),
    *("-p", "no:cacheprovider", "-x", "-q"),
)

Edit = Mapping[str, object]
"""The fields of a node that get another value; under an empty name what takes the place of the whole node."""

_OPERATORS: Mapping[type[ast.AST], tuple[type[ast.AST], ...]] = MappingProxyType(
    {
        ast.Lt: (ast.LtE, ast.Gt),
        ast.LtE: (ast.Lt, ast.GtE),
        ast.Gt: (ast.GtE, ast.Lt),
        ast.GtE: (ast.Gt, ast.LtE),
        ast.Eq: (ast.NotEq,),
        ast.NotEq: (ast.Eq,),
        ast.Is: (ast.IsNot,),
        ast.IsNot: (ast.Is,),
        ast.In: (ast.NotIn,),
        ast.NotIn: (ast.In,),
        ast.Add: (ast.Sub,),
        ast.Sub: (ast.Add,),
        ast.Mult: (ast.Div,),
        ast.Div: (ast.Mult,),
        ast.And: (ast.Or,),
        ast.Or: (ast.And,),
    }
)
_NAMES = MappingProxyType(
    {"ROUND_DOWN": "ROUND_UP", "ROUND_UP": "ROUND_DOWN", "min": "max", "max": "min", "all": "any"}
)
_UNTOUCHED = frozenset({"annotation", "returns", "decorator_list", "ctx"})


class Mutant(InspectLoader, MetaPathFinder):
    """Imports a changed module in place of the one on the disk."""

    def __init__(self, name: str, tree: ast.Module) -> None:
        self._name = name
        self._tree = tree

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return spec_from_loader(fullname, self) if fullname == self._name else None

    def get_source(self, fullname: str) -> str:
        return ast.unparse(self._tree)


def mutants(source: str) -> Iterator[tuple[str, ast.Module]]:
    """Yield every changed form of *source*, with a word on the change."""
    original = ast.parse(source)
    members = _enumerations(original)
    for index, node in enumerate(_changeable(original)):
        for edit in chain(_operators(node), _values(node), _names(node, members), _statements(node)):
            tree = ast.parse(source)
            changed = list(_changeable(tree))[index]
            before = ast.unparse(changed).splitlines()[0]
            _apply(edit, changed)
            after = ast.unparse(changed).splitlines()[0]
            yield f"{getattr(node, 'lineno', 0)}: {before}  →  {after}", ast.fix_missing_locations(tree)


def survives(name: str, tree: ast.Module) -> bool:
    """Return whether the tests of the executor's module *name* pass although *tree* took its place."""
    child = os.fork()
    if child == 0:
        os._exit(_tested(name, tree))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def main(names: Sequence[str]) -> None:
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    for name in names:
        source = _path(name).read_text(encoding="utf-8")
        assert survives(name, ast.parse(source)), f"the tests of {name} fail without any change"
        changes = list(mutants(source))
        unnoticed = [told for told, tree in changes if survives(name, tree)]
        for told in unnoticed:
            sys.stdout.write(f"{name}.py:{told}\n")
        sys.stdout.write(f"{name}: {len(changes) - len(unnoticed)} of {len(changes)} changes noticed\n")
        sys.stdout.flush()


def _path(name: str) -> Path:
    """Return the module of the executor that is called *name*, in whichever folder."""
    (found,) = (ROOT / "executor").rglob(f"{name}.py")
    return found


def _tested(name: str, tree: ast.Module) -> int:
    signal.alarm(SECONDS_MAX)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    module = ".".join(_path(name).relative_to(ROOT).with_suffix("").parts)
    sys.meta_path.insert(0, Mutant(module, tree))
    hypothesis.settings.register_profile("mutants", max_examples=50, database=None)
    hypothesis.settings.load_profile("mutants")
    unit = ROOT / "tests" / "unit" / "executor"
    tests = sorted(str(path) for each in TESTED_WITH.get(name, (name,)) for path in unit.rglob(f"test_{each}*.py"))
    return int(pytest.main([*PYTEST, *tests]))


def _changeable(node: ast.AST) -> Iterator[ast.AST]:
    """Walk through everything but annotations, decorators, docstrings and imports."""
    yield node
    for name, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            is_text = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
            if name in _UNTOUCHED or is_text or isinstance(child, ast.Import | ast.ImportFrom):
                continue
            if isinstance(child, ast.AST):
                yield from _changeable(child)


def _enumerations(tree: ast.Module) -> dict[str, list[str]]:
    """Return the members of each enumeration of the module, also under the short name it gives it."""
    members: dict[str, list[str]] = {}
    for node in tree.body:
        match node:
            case ast.ClassDef(name=name, bases=[ast.Name("StrEnum")]):
                assigned = [each for each in node.body if isinstance(each, ast.Assign)]
                members[name] = [ast.unparse(each.targets[0]) for each in assigned]
            case ast.Assign(targets=[ast.Tuple(short)], value=ast.Tuple(long)):
                members |= {ast.unparse(a): members.get(ast.unparse(b), []) for a, b in zip(short, long, strict=True)}
    return members


def _operators(node: ast.AST) -> Iterator[Edit]:
    match node:
        case ast.Compare(ops=operators):
            for index, operator in enumerate(operators):
                for other in _OPERATORS.get(type(operator), ()):
                    yield {"ops": [*operators[:index], other(), *operators[index + 1 :]]}
        case ast.BinOp(op=operator) | ast.BoolOp(op=operator):
            for other in _OPERATORS.get(type(operator), ()):
                yield {"op": other()}
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield {"": operand}
    if isinstance(node, ast.BoolOp):
        yield from ({"values": _without(node.values, index)} for index in range(len(node.values)))


def _values(node: ast.AST) -> Iterator[Edit]:
    match node:
        case ast.Constant(value=bool(truth)):
            yield {"value": not truth}
        case ast.Constant(value=int(number)):
            yield {"value": number + 1}
            yield {"value": number - 1}
        case ast.Constant(value=str(text)):
            yield {"value": f"{text}0"}
        case ast.Dict(keys=keys, values=values):
            yield from ({"keys": _without(keys, i), "values": _without(values, i)} for i in range(len(keys)))
        case ast.Set(elts=elements):
            yield from ({"elts": _without(elements, index)} for index in range(len(elements)))


def _names(node: ast.AST, members: Mapping[str, list[str]]) -> Iterator[Edit]:
    match node:
        case ast.Name(id=name) if name in _NAMES:
            yield {"id": _NAMES[name]}
        case ast.Attribute(value=ast.Name(id=owner), attr=name) if name in members.get(owner, ()):
            known = members[owner]
            index = known.index(name)
            for other in sorted({known[index - 1], known[(index + 1) % len(known)]}):
                yield {"attr": other}


def _statements(node: ast.AST) -> Iterator[Edit]:
    match node:
        case ast.Return(value=ast.expr() as value) if ast.unparse(value) != "None":
            yield {"value": ast.Constant(None)}
        case ast.If() | ast.IfExp():
            yield {"test": ast.Constant(value=True)}
            yield {"test": ast.Constant(value=False)}
        case ast.With(items=[ast.withitem(optional_vars=None)]):
            nothing = ast.parse("__import__('contextlib').nullcontext()", mode="eval").body
            yield {"items": [ast.withitem(nothing)]}
        case ast.Expr(value=ast.Call()) | ast.AugAssign() | ast.Break() | ast.Continue():
            yield {"": ast.Pass()}


def _without(items: Sequence[object], index: int) -> list[object]:
    return [*items[:index], *items[index + 1 :]]


def _apply(edit: Edit, node: ast.AST) -> None:
    for field, value in edit.items():
        if field:
            setattr(node, field, value)
            continue
        # The node's parents hold on to it, so it has to turn into the other one where it is.
        node.__class__ = value.__class__  # type: ignore[assignment]
        node.__dict__ = dict(vars(value))


if __name__ == "__main__":
    main(sys.argv[1:] or MODULES)
