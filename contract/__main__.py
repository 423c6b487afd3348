"""`python -m contract [--freeze VERSION]`: write the files derived from the models and the topology."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from contract.files import FROZEN, frozen, generated

ROOT: Final = Path(__file__).parents[1]


def main(arguments: list[str] | None = None) -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m contract", description="Write what others build on.")
    parser.add_argument("--freeze", metavar="VERSION", help="keep today's schemas and events as those of this release")
    version: str | None = parser.parse_args(arguments).freeze
    if version is not None and (ROOT / FROZEN / version).exists():
        sys.stderr.write(f"{version} is frozen already, and what was promised does not change\n")
        return 1
    _write(generated())
    if version is not None:
        _write(frozen(version))
    return 0


def _write(files: Mapping[str, str]) -> None:
    for name, text in files.items():
        file = ROOT / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
