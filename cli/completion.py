"""`sniper completion`: the completion script of a shell, and the answers to its queries."""

import os
from typing import Final

from typer._completion_classes import completion_init
from typer._completion_shared import get_completion_script

PROGRAM: Final = "sniper"
VARIABLE: Final = "_SNIPER_COMPLETE"
"""Set by the shell's script when it queries completions."""


def script(shell: str) -> str:
    """Return the script for *shell*."""
    return get_completion_script(prog_name=PROGRAM, complete_var=VARIABLE, shell=shell)


def answer_shell() -> None:
    """Let the parser answer a completion query of a shell, if this is one."""
    if VARIABLE in os.environ:
        completion_init()
