"""Docstrings of fields, which Python itself does not keep."""

import ast
import inspect
import itertools
import textwrap
from collections.abc import Mapping


def field_docstrings(model: type) -> Mapping[str, str]:
    """Return the docstring of each annotated field of *model* and its bases, on one line each, by name.

    Pydantic can read them too (`use_attribute_docstrings`), but does so at every import of the models.
    """
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if base.__module__ == model.__module__:
            found |= _strings_below(base)
    return found


def _strings_below(model: type) -> dict[str, str]:
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    assert isinstance(body, ast.ClassDef)
    return {
        field.target.id: " ".join(below.value.value.split())
        for field, below in itertools.pairwise(body.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
        and isinstance(below.value.value, str)
    }
