"""Make sure that `make test` finds a PostgreSQL and a RabbitMQ, and say which."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.choice import BrokerKind, ServerUnavailableError, find_broker, postgres_source

_DEBIAN = Path("/etc/debian_version")
_POLICY = Path("/usr/sbin/policy-rc.d")
# Debian's policy-rc.d: 101 forbids the action, here the start of a service.
_FORBID = "#!/bin/sh\nexit 101\n"
_PACKAGE = "rabbitmq-server"


def main() -> int:
    """Returns the exit status."""
    try:
        broker = _find_or_install_broker()
    except (ServerUnavailableError, subprocess.CalledProcessError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    _say(f"RabbitMQ for the tests: {broker.value}")
    _say(f"PostgreSQL for the tests: {postgres_source(os.environ)}")
    return 0


def _find_or_install_broker() -> BrokerKind:
    try:
        return find_broker(os.environ)
    except ServerUnavailableError:
        if not _may_install():
            raise
    install_rabbitmq()
    return find_broker(os.environ)


def _may_install() -> bool:
    return os.geteuid() == 0 and _DEBIAN.exists() and shutil.which("apt-get") is not None


def install_rabbitmq() -> None:
    """Install Debian's package. The tests start nodes of their own, so its service is kept from starting."""
    _say(f"Installing Debian's package {_PACKAGE} for the tests (once); its service will not be started")
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    with services_forbidden(_POLICY):
        for command in (["update"], ["install", "--yes", "--no-install-recommends", _PACKAGE]):
            subprocess.run(["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120", *command], env=env, check=True)


@contextmanager
def services_forbidden(policy: Path) -> Iterator[None]:
    """Let no package start its service inside the block; *policy* is afterwards what it was before, or absent again."""
    before = policy.with_name(f"{policy.name}.before-tests")
    existed = policy.exists()
    if existed:
        policy.rename(before)
    try:
        policy.write_text(_FORBID)
        policy.chmod(0o755)
        yield
    finally:
        policy.unlink(missing_ok=True)
        if existed:
            before.rename(policy)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
