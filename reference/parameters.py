"""Parameters of commands in words, for their reference."""

from enum import Enum
from typing import Any, Final

from reference.markdown import code

_VALUES: Final = {int: "NUMBER", float: "NUMBER"}


def spelling_of(parameter: Any) -> str:
    """Return an option or an argument as it is written."""
    if parameter.param_type_name == "argument":
        return str(parameter.metavar or parameter.name.upper())
    options, kind = ", ".join(parameter.opts), parameter.type_descriptor.annotation
    if parameter.is_flag:
        return options
    values = "|".join(str(each.value) for each in kind) if issubclass(kind, Enum) else _VALUES.get(kind, "TEXT")
    return f"{options} {parameter.metavar or values}"


def choices_of(parameter: Any) -> str:
    """Return the choices of an argument, as a sentence; empty without any."""
    kind = parameter.type_descriptor.annotation
    if parameter.param_type_name != "argument" or not issubclass(kind, Enum):
        return ""
    return f" One of {', '.join(code(str(each.value)) for each in kind)}."


def default_of(parameter: Any) -> str:
    """Return the default of an option, as a sentence; empty without one."""
    default = parameter.default
    if default is None or default is False or default == "" or getattr(parameter, "required", False):
        return ""
    if callable(default):
        return ""
    return f" Default: {code(str(getattr(default, 'value', default)))}."
