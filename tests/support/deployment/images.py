"""An image of ours, built from deploy/Dockerfile as anybody would build it, and processes in it."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.servers.guard import guarded
from tests.servers.ports import free_ports
from tests.servers.scratch import scratch_directory
from tests.support.deployment.image_tools import make_base, release, require_image_tools
from tests.support.running.processes import Sniper

ROOT: Final = Path(__file__).parents[3]
CACHE: Final = ROOT / ".venv" / "image"
WHEELS: Final = CACHE / "wheels"
EXTRAS: Final = ("otel", "parquet")
LOCKS: Final = tuple(ROOT / "requirements" / f"{name}.txt" for name in ("runtime", *EXTRAS))
PYTHON_OF: Final = {"bookworm": "3.11", "trixie": "3.13"}
BASE: Final = "localhost/base"
USER: Final = "10001"
BUILD_SECONDS: Final = 300
# Everything is bound read-only before anything runs; there is no place to write to, not even /tmp.
READ_ONLY: Final = (
    'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && mount --rbind /proc "$0/proc" '
    '&& mount --rbind /dev "$0/dev" && exec setpriv --no-new-privs --clear-groups '
    '/usr/sbin/chroot --userspec=+10001:+10001 "$0" "$@"'
)


@dataclass(frozen=True, slots=True)
class Buildah:
    """buildah with a store of its own, which ends with the test."""

    store: Path

    def __call__(self, *arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Run a command of buildah's; what it printed is in the error."""
        ended = subprocess.run(
            [
                *("buildah", "--root", str(self.store / "root"), "--runroot", str(self.store / "run")),
                *("--storage-driver", "vfs", *arguments),
            ],
            capture_output=True,
            text=True,
            timeout=BUILD_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TMPDIR": str(self.store)},
        )
        if check and ended.returncode:
            raise RuntimeError(f"buildah {' '.join(arguments)}: {ended.stdout[-2000:]}\n{ended.stderr[-4000:]}")
        return ended


@dataclass(frozen=True, slots=True)
class Image:
    """The image, and one container of it."""

    buildah: Buildah
    name: str
    container: str
    root: Path
    """Where the container's files are."""

    @property
    def config(self) -> Mapping[str, Any]:
        """What the image says about how to run it."""
        shown: Mapping[str, Any] = json.loads(self.buildah("inspect", "--type", "image", self.name).stdout)
        config: Mapping[str, Any] = shown["Docker"]["config"]
        return config

    @property
    def added_bytes(self) -> int:
        """What the image adds to its base."""
        files = [each.lstat().st_size for each in (self.root / "opt/sniper").rglob("*") if not each.is_dir()]
        return sum(files)

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run `sniper` in the container to its end, as a user without a name and without a capability."""
        return self.run_within(*self.config["Entrypoint"], *arguments)

    def run_within(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """Run another program there, as the same user."""
        isolated = ("run", "--isolation", "chroot", "--user", USER, "--cap-drop", "all", self.container, "--")
        return self.buildah(*isolated, *command, check=False)

    def command(self, arguments: Sequence[str]) -> list[str]:
        """Return what runs `sniper` on this image's files, none of which it can change."""
        return self.within(*self.config["Entrypoint"], *arguments)

    def within(self, *command: str) -> list[str]:
        """Return what runs another program there."""
        private = ("unshare", "--mount", "--propagation", "private")
        return [*private, "sh", "-c", READ_ONLY, str(self.root), *command]


def fetch_what_images_need(say: Callable[[str], None]) -> None:
    """Make the base and fetch what is installed on it, once."""
    if not _base().exists():
        say("Making a Debian to build images on (about half a minute, once)")
        make_base(_base())
    _fetch()


@contextmanager
def workshop() -> Iterator[Buildah]:
    """Yield a store that holds the base of the images, and ends with the block."""
    require_image_tools()
    fetch_what_images_need(lambda _: None)
    store = scratch_directory("sniper-image-", durable=False)
    with guarded() as guard:
        guard.watch("directory", store)
        buildah = Buildah(store)
        scratch = buildah("from", "scratch").stdout.strip()
        buildah("add", scratch, str(_base()), "/")
        buildah("commit", "--quiet", "--rm", scratch, BASE)
        yield buildah


def built(buildah: Buildah, *extras: str) -> Image:
    """Build the image with *extras*; a minute on a quiet machine."""
    name = "-".join(["localhost/sniper", *extras])
    buildah(
        *("bud", "--isolation", "chroot", "--format", "docker", "--layers=false", "--network", "host", "--tag", name),
        *("--volume", f"{WHEELS}:/wheels:ro", "--build-arg", "PIP_NO_INDEX=1", "--build-arg", "PIP_FIND_LINKS=/wheels"),
        *("--build-arg", f"BASE={BASE}", "--build-arg", "REVISION=c0ffee"),
        *("--build-arg", f"EXTRAS={' '.join(extras)}", "--file", str(ROOT / "deploy/Dockerfile")),
        str(ROOT),
    )
    container = buildah("from", name).stdout.strip()
    return Image(buildah, name, container, Path(buildah("mount", container).stdout.strip()))


def _base() -> Path:
    return CACHE / f"base-{release()}.tar"


def _fetch() -> None:
    """Fetch what the image installs, from where this machine gets its packages."""
    stamp = WHEELS / "stamp"
    if stamp.exists() and stamp.stat().st_mtime >= max(lock.stat().st_mtime for lock in LOCKS):
        return
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"),
            *("--only-binary", ":all:", "--python-version", PYTHON_OF.get(release(), "3.13"), "--dest", str(WHEELS)),
            *(word for lock in LOCKS for word in ("--requirement", str(lock))),
        ],
        check=True,
        timeout=BUILD_SECONDS,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    stamp.touch()


@asynccontextmanager
async def contained(
    image: Image, *arguments: str, environment: Mapping[str, str], directory: Path
) -> AsyncIterator[Sniper]:
    """Run `sniper` with these arguments in a container; it is gone at the end of the block."""
    [metrics_port] = free_ports(1)
    log = directory / f"{'-'.join(arguments[:2])}-{metrics_port}.log"
    own = dict(each.split("=", 1) for each in image.config["Env"])
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *image.command(arguments),
            env={**own, "SNIPER_METRICS_PORT": str(metrics_port), "SNIPER_METRICS_HOST": "127.0.0.1", **environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    running = Sniper(process, metrics_port, log)
    try:
        yield running
    finally:
        if process.returncode is None:
            await running.kill()
