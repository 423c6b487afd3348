"""`sniper completion`: what a shell sources to complete our command lines; and the answers to what it then asks."""

import os
from typing import Final

from typer._completion_classes import completion_init
from typer._completion_shared import get_completion_script

PROGRAM: Final = "sniper"
VARIABLE: Final = "_SNIPER_COMPLETE"
"""Set by the shell's script when it asks what could come next."""


def script(shell: str) -> str:
    """Return the script for *shell*."""
    return get_completion_script(prog_name=PROGRAM, complete_var=VARIABLE, shell=shell)


def get_ready() -> None:
    """Let the parser answer a shell, where one asks."""
    if VARIABLE in os.environ:
        completion_init()
