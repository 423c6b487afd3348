"""The programs that build and run images without a daemon, and where to look when they are missing."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

PACKAGES: Final = ("buildah", "mmdebstrap")


class ImageToolsMissingError(Exception):
    """Images cannot be built here; says what is missing."""


def require_image_tools() -> None:
    """Return where images can be built; raise ImageToolsMissingError."""
    missing = [name for name in PACKAGES if shutil.which(name) is None]
    if missing:
        raise ImageToolsMissingError(f"no image can be built: install Debian's packages {' and '.join(missing)}")
    if os.geteuid() != 0:
        raise ImageToolsMissingError("no image can be built: buildah's chroot isolation needs root")


def release() -> str:
    """Return the name of this machine's Debian, whose packages are known to be within reach."""
    lines = Path("/etc/os-release").read_text().splitlines()
    names = [line.partition("=")[2] for line in lines if line.startswith("VERSION_CODENAME=")]
    if not names:
        raise ImageToolsMissingError("no image can be built: /etc/os-release names no Debian release")
    return names[0]


def make_base(archive: Path) -> None:
    """Write a minimal Debian with Python to *archive*; half a minute, and from then on it is there."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    partial = archive.with_suffix(".partial.tar")
    options = [f"--dpkgopt=path-exclude=/usr/share/{each}/*" for each in ("doc", "man", "locale")]
    subprocess.run(
        [
            *("mmdebstrap", "--quiet", "--variant=minbase", "--dpkgopt=force-unsafe-io", *options),
            *("--include=python3,python3-venv,ca-certificates", release(), str(partial)),
        ],
        check=True,
        stdin=subprocess.DEVNULL,
    )
    partial.rename(archive)
