"""Reference of settings, from their classes: every variable with its type, default and meaning."""

import re
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Final

import annotated_types as bounds
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from cli.env_check import SETTINGS
from contract.docstrings import field_docstrings
from reference.markdown import code, page, table
from reference.meanings import MEANINGS
from reference.value_types import type_words

PAGES: Final = "docs/*.md"
OURS: Final = frozenset({"configuration.md", "commands.md", "rest.md", "decisions.md"})
"""Pages without descriptions of settings."""
_ROW: Final = re.compile(r"^\| *(?P<names>`SNIPER_[^|]+?) *\|(?P<cells>.*)\| *$", re.MULTILINE)
_NAME: Final = re.compile(r"`(SNIPER_[A-Z0-9_]+)`")
_SIGNS: Final = ((bounds.Ge, "≥", "ge"), (bounds.Gt, ">", "gt"), (bounds.Le, "≤", "le"), (bounds.Lt, "<", "lt"))


_HEAD: Final = (
    "Every variable that is read, from the classes that read it. Values come from the environment, then from a `.env` "
    "file in the working directory, then from files of that name (in lower case) in `/run/secrets`. A wrong value ends "
    "the process with exit code 2 and a sentence that names the variable; a name that nobody reads is logged, and "
    "`sniper doctor` tells it.\n\n"
    "Limits and exits are no settings: `sniper config set` and the API change them while everything runs, and record "
    "who did."
)


def configuration_page(root: Path) -> str:
    """Return docs/configuration.md."""
    documented = variables_on_pages(root)
    return page("Configuration", [_HEAD], *(_section(kind, documented) for kind in sorted(SETTINGS, key=_title)))


def _title(kind: type[BaseSettings]) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind.__name__.removesuffix("Settings")) or "Shared"


def _section(kind: type[BaseSettings], documented: Mapping[str, str]) -> Iterator[str]:
    below = field_docstrings(kind)
    yield f"## {_title(kind)}"
    yield ""
    yield " ".join((kind.__doc__ or "").split())
    yield ""
    yield from table(
        ("variable", "default", "value", "meaning"),
        [
            (code(name), default_of(field), value_of(field), meaning_of(name, documented, below.get(key), field))
            for key, field in kind.model_fields.items()
            if (name := f"{kind.model_config['env_prefix']}{key}".upper())
        ],
    )


def variables_on_pages(root: Path) -> Mapping[str, str]:
    """Return the description of each variable in the tables of the other pages, with a link to the page."""
    found: dict[str, str] = {}
    for path in sorted(root.glob(PAGES)):
        if path.name in OURS:
            continue
        for row in _ROW.finditer(path.read_text(encoding="utf-8")):
            cells = re.split(r"(?<!\\)\|", row["cells"])
            names = _NAME.findall(row["names"])
            # Links within the page itself would be dead on another.
            description = re.sub(r"\[([^\]]+)\]\(#[^)]*\)", r"\1", cells[-1].strip())
            link = f"[{path.stem}]({path.name})"
            for name in names:
                found.setdefault(name, f"{description} ({link})" if description else f"see {link}")
    return found


def meaning_of(name: str, documented: Mapping[str, str], below: str | None, field: FieldInfo) -> str:
    """Return the meaning of a variable: by a page, or else by its definition."""
    return documented.get(name) or below or field.description or MEANINGS.get(name, "")


def value_of(field: FieldInfo) -> str:
    """Return the type and the bounds of a value in words."""
    kind = type_words(field.annotation)
    limits = [
        f"{sign} {_text(getattr(each, name))}"
        for each in field.metadata
        for one, sign, name in _SIGNS
        if isinstance(each, one)
    ]
    return " ".join([kind, *limits])


def default_of(field: FieldInfo) -> str:
    """Return the default as written in the environment; empty where it is none, computed or secret."""
    known = field.default is not PydanticUndefined and not isinstance(field.default, SecretStr | None)
    return code(_text(field.default)) if known else ""


def _text(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case str() | Enum():
            return str(value)
        case frozenset():
            return ",".join(sorted(value))
    return str(value)
