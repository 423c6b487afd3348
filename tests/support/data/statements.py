"""Every statement of a package that is written down as a constant, as PostgreSQL takes it."""

import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Final

from sqlalchemy import Select
from sqlalchemy.dialects import registry

_BEGINS: Final = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\s", re.IGNORECASE)
_DIALECT: Final = registry.load("postgresql.asyncpg")()
_ONLY_FOR_MAKING_CODE: Final = "shared.mexc.compile_wire"


def modules(package: str) -> Iterator[ModuleType]:
    """Yield *package* and every module in it."""
    found = importlib.import_module(package)
    yield found
    for each in pkgutil.walk_packages(getattr(found, "__path__", ()), f"{package}."):
        if each.name != _ONLY_FOR_MAKING_CODE and not each.name.endswith("__main__"):
            yield importlib.import_module(each.name)


def statements(*names: str) -> Mapping[str, str]:
    """Return the statements of these packages or modules by where they stand."""
    return {
        f"{module.__name__}.{name}": text
        for package in names
        for module in modules(package)
        for name, value in _values(module)
        if (text := _text(value)) and _BEGINS.match(text)
    }


def _values(module: ModuleType) -> Iterator[tuple[str, object]]:
    for name, value in vars(module).items():
        if name.startswith("__"):
            continue
        if isinstance(value, Mapping):
            yield from ((f"{name}[{key}]", each) for key, each in value.items())
        else:
            yield name, value


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Select):
        named = value.params(keys=["a"], ids=[1], symbols=["a"])
        return str(named.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True}))
    sql = getattr(value, "sql", "")
    return sql if isinstance(sql, str) else ""
