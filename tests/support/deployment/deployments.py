"""Files of deploy/, with the commands and settings that they may name."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import typer.main
import yaml

from cli import env_check
from cli.composing.services import EXPRESS, NAMES
from cli.main import app
from shared.process.lifecycle import STOP_SECONDS

DEPLOY: Final = Path(__file__).parents[3] / "deploy"
SECONDS_TO_STOP: Final = STOP_SECONDS + 12
"""Where nothing answers: two heartbeats take 2 s each, the use of the rate limits 2, channels 2, and connections the
rest."""


def read(path: Path) -> Any:
    """Return the one YAML document of *path*."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)


def is_subcommand(words: Sequence[str]) -> bool:
    """Return whether `sniper` takes *words*."""
    command = typer.main.get_command(app)
    names = set(getattr(command, "commands", {}))
    return words[0] in names and (words[0] != "run" or words[1] in {*NAMES, EXPRESS})


def unknown_settings(names: Sequence[str]) -> list[str]:
    """Return those of *names* that no setting has."""
    return env_check.unknown(names)
