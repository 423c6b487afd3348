"""The first token of an API on Kubernetes is made by the job of the manifests, in the role of the API."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import yaml

from tests.servers.ports import free_ports
from tests.support.deployment import database_roles
from tests.support.deployment.deployments import DEPLOY
from tests.support.running.processes import clean, sniper

pytestmark = pytest.mark.timeout(180)

BASE: Final = DEPLOY / "kubernetes" / "base"
NOBODY: Final = ("USER", "LOGNAME", "HOME")
"""Not set in a container whose user has no name."""
EXIT_SETTINGS: Final = 2


def container(file: str, kind: str) -> Mapping[str, Any]:
    """Return the container of ours in the manifest of this kind."""
    documents = yaml.safe_load_all((BASE / file).read_text(encoding="utf-8"))
    [spec] = [each["spec"] for each in documents if each["kind"] == kind]
    pod = spec.get("jobTemplate", {"spec": spec})["spec"]["template"]["spec"]
    [only] = pod["containers"]
    return dict(only)


async def ended(arguments: Sequence[str], environment: Mapping[str, str]) -> tuple[int | None, str]:
    """Run `sniper` to its end; return the exit code and its standard output."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli", *arguments),
        env={**{name: value for name, value in clean().items() if name not in NOBODY}, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()


async def test_the_job_makes_a_token_with_which_the_api_starts_and_answers(
    database_url: str, broker_url: str, tmp_path: Path
) -> None:
    api, job = container("api.yaml", "Deployment"), container("token.yaml", "CronJob")
    [port] = free_ports(1)
    async with database_roles.set_up(database_url) as roles:
        environment = {
            **{each["name"]: each["value"] for each in api["env"]},
            "SNIPER_DATABASE_URL": roles.url("api"),
            "SNIPER_BROKER_URL": broker_url,
            "SNIPER_API_PORT": str(port),
        }
        assert environment["SNIPER_API_HOST"] == "0.0.0.0"
        assert (await ended(api["args"], {**environment, "SNIPER_METRICS_PORT": "0"}))[0] == EXIT_SETTINGS

        code, printed = await ended(job["args"], {"SNIPER_DATABASE_URL": roles.url("api")})

        assert code == 0
        async with sniper(*api["args"], environment=environment, directory=tmp_path) as service:
            await service.ready()
            headers = {"Authorization": f"Bearer {printed.strip()}"}
            async with httpx.AsyncClient(trust_env=False, timeout=5, headers=headers) as client:
                answer = await client.get(f"http://127.0.0.1:{port}/config")
            assert answer.status_code == httpx.codes.OK
