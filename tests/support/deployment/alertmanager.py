"""A real Alertmanager with the configuration of deploy/, on the loopback."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.servers.ports import free_ports
from tests.support.deployment.monitoring import path_of
from tests.waiting import eventually

Alert = tuple[str, str]
"""The name of one, and the service it is of; empty for none."""


@dataclass(frozen=True, slots=True)
class Alertmanager:
    """A running server."""

    client: httpx.AsyncClient

    async def fire(self, alerts: Collection[Alert]) -> None:
        """Send them as Prometheus does."""
        labelled = [{"alertname": name, **({"service": service} if service else {})} for name, service in alerts]
        answer = await self.client.post("/api/v2/alerts", json=[{"labels": labels} for labels in labelled])
        answer.raise_for_status()

    async def mutes(self, alerts: Collection[Alert]) -> bool:
        """Return whether exactly *alerts*, of those that fire, are inhibited."""
        answer = await self.client.get("/api/v2/alerts")
        answer.raise_for_status()
        return {_alert(each["labels"]) for each in answer.json() if each["status"]["inhibitedBy"]} == set(alerts)

    async def is_up(self) -> bool:
        return (await self.client.get("/-/ready")).status_code == 200


def _alert(labels: dict[str, str]) -> Alert:
    return labels["alertname"], labels.get("service", "")


@asynccontextmanager
async def running_alertmanager(configuration: Path, directory: Path) -> AsyncIterator[Alertmanager]:
    """Run one that keeps its data in *directory* and speaks to no other."""
    [port] = free_ports(1)
    process = await asyncio.create_subprocess_exec(
        path_of("prometheus-alertmanager"),
        f"--config.file={configuration}",
        f"--storage.path={directory}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        "--log.level=error",
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=10) as client:
            server = Alertmanager(client)
            await eventually(server.is_up, within_seconds=30)
            yield server
    finally:
        process.terminate()
        await process.wait()
