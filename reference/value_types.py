"""Types of settings in words, for the reference of the configuration."""

from enum import Enum
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin

from pydantic import BaseModel, SecretStr

from reference.markdown import code

_KINDS: Final = {
    SecretStr: "secret",
    BaseModel: "JSON object",
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "text",
    Path: "path",
}
"""Subclasses before their bases."""


def type_words(annotation: Any) -> str:
    """Return a type of a setting in words."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(code(str(each)) for each in arguments)
    if origin in {list, tuple, set, frozenset, dict}:
        return "list" if origin is not dict else "JSON object"
    if origin is not None:
        # Optional or annotated: the first argument is the type.
        return type_words(next(each for each in arguments if each is not type(None)))
    match annotation:
        case type() if issubclass(annotation, Enum):
            return " or ".join(code(str(each.value)) for each in annotation)
        case type():
            return next(
                (words for kind, words in _KINDS.items() if issubclass(annotation, kind)), annotation.__name__.lower()
            )
        case _:
            return "text"
