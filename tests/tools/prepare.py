"""Make sure that `make test` finds a PostgreSQL, a RabbitMQ, a Chromium and what builds images, and say which."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.servers.choice import BrokerKind, ServerUnavailableError, find_broker, postgres_source
from tests.servers.encrypted import find_encrypting_postgres
from tests.support.browsing.browsers import SHELL, VARIABLE, BrowserMissingError, find_chromium
from tests.support.deployment.image_tools import PACKAGES, ImageToolsMissingError, require_image_tools
from tests.support.deployment.images import fetch_what_images_need
from tests.support.deployment.kubectl import KubectlMissingError, fetch_kubectl, find_kubectl
from tests.support.deployment.linters import LintersMissingError, are_installed, install_linters

JAVA_CLIENT_JAR = Path("/usr/share/java/amqp-client.jar")
_DEBIAN = Path("/etc/debian_version")
_POLICY = Path("/usr/sbin/policy-rc.d")
# Debian's policy-rc.d: 101 forbids the action, here the start of a service.
_FORBID = "#!/bin/sh\nexit 101\n"
_BROKER = "rabbitmq-server"
_BROWSER = "chromium"
_JAVA_CLIENT = "librabbitmq-client-java"
_JAVA = "default-jdk-headless"
_NODE = ("nodejs", "npm")


def main() -> int:
    """Returns the exit status."""
    try:
        broker = _find_or_install_broker()
        browser = _find_or_install_browser()
        images = _find_or_install_image_tools()
        _install_what_consumers_need()
    except (ServerUnavailableError, BrowserMissingError, subprocess.CalledProcessError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    _say(f"RabbitMQ for the tests: {broker.value}")
    _say(f"PostgreSQL for the tests: {postgres_source(os.environ)}")
    _say(f"Chromium for the tests: {browser}")
    _say(f"Images for the tests: {images}")
    _install_monitoring_tools()
    _install_encrypting_postgres()
    _say(f"kubectl for the tests: {_find_or_fetch_kubectl()}")
    _say(f"Linters for the tests: {_find_or_install_linters()}")
    return 0


def _find_or_install_broker() -> BrokerKind:
    try:
        return find_broker(os.environ)
    except ServerUnavailableError:
        if not _may_install():
            raise
    install(_BROKER)
    return find_broker(os.environ)


def _find_or_install_browser() -> str:
    """Prefer the shell; older releases of Debian have none."""
    if VARIABLE not in os.environ and shutil.which(SHELL) is None and _may_install():
        with suppress(subprocess.CalledProcessError):
            install(SHELL)
    try:
        return find_chromium(os.environ)
    except BrowserMissingError:
        if not _may_install():
            raise
    install(_BROWSER)
    return find_chromium(os.environ)


def _find_or_install_image_tools() -> str:
    """Say how images are built. Where they cannot be, only their tests fail."""
    try:
        if _may_install():
            for package in PACKAGES:
                if shutil.which(package) is None:
                    install(package)
        require_image_tools()
    except ImageToolsMissingError as error:
        return str(error)
    fetch_what_images_need(_say)
    return "buildah, on a Debian of mmdebstrap"


def _install_monitoring_tools() -> None:
    """Where they cannot be had, only the tests of the alerts and the dashboards fail."""
    for tool, package in (("promtool", "prometheus"), ("amtool", "prometheus-alertmanager")):
        if shutil.which(tool) is None and _may_install():
            install(package)


def _install_encrypting_postgres() -> None:
    """The wheel's cannot encrypt. Where another cannot be had, only the tests of TLS fail."""
    if find_encrypting_postgres() is None and _may_install():
        install("postgresql")


def _find_or_fetch_kubectl() -> str:
    """Say which. Where there is none, only the tests of the manifests fail."""
    try:
        return str(find_kubectl())
    except KubectlMissingError:
        _say("Fetching kubectl for the tests (once)")
    try:
        return str(fetch_kubectl())
    except KubectlMissingError as error:
        return str(error)


def _find_or_install_linters() -> str:
    """Say which. Where they cannot be had, only their tests fail."""
    try:
        if not are_installed():
            _say("Installing hadolint and checkov for the tests (half a minute, once)")
            install_linters()
    except LintersMissingError as error:
        return str(error)
    return "hadolint and checkov, in an environment of their own"


def _install_what_consumers_need() -> None:
    """Install the runtimes of the guide's consumers in other languages, where we may."""
    if not _may_install():
        return
    missing = [] if JAVA_CLIENT_JAR.exists() else [_JAVA_CLIENT]
    missing += [] if shutil.which("java") and shutil.which("javac") else [_JAVA]
    missing += [] if shutil.which("node") and shutil.which("npm") else _NODE
    for package in missing:
        install(package)


def _may_install() -> bool:
    return os.geteuid() == 0 and _DEBIAN.exists() and shutil.which("apt-get") is not None


def install(package: str) -> None:
    """Install Debian's *package*. The tests start their servers themselves, so services are kept from starting."""
    _say(f"Installing Debian's package {package} for the tests (once); no service will be started")
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    with services_forbidden(_POLICY):
        for command in (["update"], ["install", "--yes", "--no-install-recommends", package]):
            subprocess.run(["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120", *command], env=env, check=True)


@contextmanager
def services_forbidden(policy: Path) -> Iterator[None]:
    """Let no package start its service inside the block; *policy* is restored afterwards, or absent again."""
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
