"""Files of deploy/, with the commands and settings that they may name."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import typer.main
import yaml

from cli import env_check
from cli.composing.services import EXPRESS, NAMES
from cli.main import app

DEPLOY: Final = Path(__file__).parents[3] / "deploy"


def read(path: Path) -> Any:
    """Return the one YAML document of *path*."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def is_subcommand(words: Sequence[str]) -> bool:
    """Return whether `sniper` takes *words*."""
    command = typer.main.get_command(app)
    names = set(getattr(command, "commands", {}))
    return words[0] in names and (words[0] != "run" or words[1] in {*NAMES, EXPRESS})


def unknown_settings(names: Sequence[str]) -> list[str]:
    """Return those of *names* that no setting has."""
    return env_check.unknown(names)
