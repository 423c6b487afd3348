"""The certificates that the deployment page makes are those that production asks for."""

import re
import shlex
import ssl
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.support.deployment.deployments import DEPLOY

PAGE: Final = DEPLOY.parent / "docs" / "deployment.md"
HOSTS: Final = {"broker": "sniper.sniper-data", "database": "sniper-rw.sniper-data"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder in which the commands of the page were run."""
    folder = tmp_path_factory.mktemp("certificates")
    commands = re.findall(r"^    (openssl .+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(commands) == 1 + len(HOSTS)
    for command in commands:
        subprocess.run(shlex.split(command), cwd=folder, check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("server", HOSTS)
def test_a_client_that_checks_everything_takes_them(made: Path, server: str) -> None:
    offering = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    offering.load_cert_chain(made / f"{server}.crt", made / f"{server}.key")
    checking = ssl.create_default_context(cafile=str(made / "authority.crt"))

    shake_hands(checking, offering, HOSTS[server])
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(checking, offering, "elsewhere.sniper-data")


@pytest.mark.parametrize("host", HOSTS.values())
def test_they_name_the_hosts_of_the_addresses_that_are_made(host: str) -> None:
    [command] = re.findall(r"^    (python3 deploy/make_secrets.py .*--tls)", PAGE.read_text(), re.MULTILINE)

    assert host in command.split()


def shake_hands(client: ssl.SSLContext, server: ssl.SSLContext, host: str) -> None:
    """Let both sides of a TLS connection meet in memory; raise what either objects to."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [client.wrap_bio(back, there, server_hostname=host), server.wrap_bio(there, back, server_side=True)]
    waiting = list(sides)
    while waiting:
        for side in list(waiting):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            waiting.remove(side)
