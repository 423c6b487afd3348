"""Measures of modules: lengths, helpers, imports and wording. Pure functions over syntax trees."""

import ast
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from statistics import fmean, median
from types import MappingProxyType
from typing import Final

from tests.tools.sources import Function, Module, Prose, functions_of, prose_of

WH_WORDS: Final = frozenset({"how", "what", "when", "where", "whether", "which", "who", "why"})
WORD: Final = re.compile(r"[A-Za-z][A-Za-z'’-]*")
COUNTED: Final[Mapping[str, re.Pattern[str]]] = MappingProxyType(
    {
        "tell": re.compile(r"\b(?:tells?|told|telling)\b", re.IGNORECASE),
        "whoever": re.compile(r"\b(?:whoever|nobody|somebody)\b", re.IGNORECASE),
        "what is": re.compile(r"\bwhat\s+(?:is|was|it|they|the)\b", re.IGNORECASE),
        "retry": re.compile(r"\bretr(?:y|ies|ied|ying)\b", re.IGNORECASE),
    }
)
PER_WORDS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Sized:
    """A number of lines, and the file or function that has them."""

    lines: int
    name: str


@dataclass(frozen=True, slots=True)
class Measured:
    """Figures of one module."""

    module: Module
    file: Sized
    functions: Sequence[Sized]
    lone_helpers: Sequence[str]
    own_imports: AbstractSet[str]
    has_wh_summary: bool
    words: int
    mentions: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures of several modules together; *modules* counts those that are no `__init__`."""

    modules: int
    functions: int
    function_median: float
    function_p95: float
    function_max: Sized
    file_max: Sized
    lone_helpers: int
    lone_share: float
    imports_mean: float
    imports_max: Sized
    wh_summaries: int
    per_words: Mapping[str, float]


def measured(module: Module, own: AbstractSet[str]) -> Measured:
    """Measure *module*; *own* holds the dotted names of all own modules."""
    path, prose = module.path.as_posix(), prose_of(module)
    return Measured(
        module,
        file=Sized(len(module.source.splitlines()), path),
        functions=[Sized(body_lines(node), f"{path}:{node.name}") for node in functions_of(module.tree)],
        lone_helpers=list(lone_helpers(module.tree)),
        own_imports=own_imports(module, own),
        has_wh_summary=has_wh_summary(module.tree),
        words=count_words(prose),
        mentions={name: count(pattern, prose) for name, pattern in COUNTED.items()},
    )


def figures(modules: Sequence[Measured]) -> Figures:
    """Combine the figures of *modules*, of which there is at least one."""
    functions = [each for module in modules for each in module.functions]
    lines = [each.lines for each in functions] or [0]
    with_code = [each for each in modules if not each.module.is_init]
    words, lone = sum(each.words for each in modules), sum(len(each.lone_helpers) for each in modules)
    return Figures(
        modules=len(with_code),
        functions=len(functions),
        function_median=median(lines),
        function_p95=percentile(lines, 0.95),
        function_max=_largest(functions),
        file_max=_largest(each.file for each in modules),
        lone_helpers=lone,
        lone_share=lone / len(functions) if functions else 0.0,
        imports_mean=fmean(len(each.own_imports) for each in with_code) if with_code else 0.0,
        imports_max=_largest(Sized(len(each.own_imports), each.file.name) for each in with_code),
        wh_summaries=sum(each.has_wh_summary for each in modules),
        per_words={name: per_words(sum(each.mentions[name] for each in modules), words) for name in COUNTED},
    )


def _largest(sizes: Iterable[Sized]) -> Sized:
    return max(sizes, key=lambda each: each.lines, default=Sized(0, "-"))


def body_lines(function: Function) -> int:
    """Count lines from the first statement after the docstring to the end; zero where there is only a docstring."""
    body = function.body[ast.get_docstring(function, clean=False) is not None :]
    return (function.end_lineno or 0) - _first_line(body[0]) + 1 if body else 0


def _first_line(statement: ast.stmt) -> int:
    """Return the line a statement starts at, its decorators included."""
    decorators: Sequence[ast.expr] = getattr(statement, "decorator_list", ())
    return min([statement.lineno, *(each.lineno for each in decorators)])


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that *share* of *values* do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def lone_helpers(tree: ast.Module) -> Iterator[str]:
    """Yield underscored functions and methods that their module mentions exactly once besides their definition."""
    mentions = Counter(_mentions(tree))
    for function in functions_of(tree):
        if is_private(function.name) and mentions[function.name] == 1:
            yield function.name


def is_private(name: str) -> bool:
    """Return whether *name* has a leading underscore and is no special method."""
    return name.startswith("_") and not (name.startswith("__") and name.endswith("__"))


def _mentions(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name):
                yield name


def own_imports(module: Module, own: AbstractSet[str]) -> AbstractSet[str]:
    """Return the own modules that *module* imports, wherever in it; a package counts where only its name is given."""
    targets = {target for node in ast.walk(module.tree) for target in _targets(node, module, own)}
    return targets & own - {module.name}


def _targets(node: ast.AST, module: Module, own: AbstractSet[str]) -> Iterator[str]:
    match node:
        case ast.Import(names=names):
            yield from (each.name for each in names)
        case ast.ImportFrom(names=names):
            origin = origin_of(node, module)
            inner = (f"{origin}.{each.name}" for each in names)
            yield from (each if each in own else origin for each in inner)


def origin_of(node: ast.ImportFrom, module: Module) -> str:
    """Return the absolute dotted name that *node* imports from."""
    if not node.level:
        return node.module or ""
    parts = module.name.split(".")
    kept = parts[: len(parts) - node.level + module.is_init]
    return ".".join((*kept, node.module) if node.module else kept)


def has_wh_summary(tree: ast.Module) -> bool:
    """Return whether the module's docstring starts with a wh-word."""
    first = WORD.match((ast.get_docstring(tree) or "").lstrip())
    return first is not None and first.group().lower() in WH_WORDS


def count_words(prose: Iterable[Prose]) -> int:
    return sum(len(WORD.findall(each.text)) for each in prose)


def count(pattern: re.Pattern[str], prose: Iterable[Prose]) -> int:
    return sum(len(pattern.findall(each.text)) for each in prose)


def per_words(mentions: int, words: int) -> float:
    """Return *mentions* per ten thousand *words*."""
    return mentions * PER_WORDS / words if words else 0.0
