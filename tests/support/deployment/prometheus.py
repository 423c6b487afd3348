"""A real Prometheus with the rules of deploy/, on the loopback."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from tests.servers.ports import free_ports
from tests.support.deployment.deployments import DEPLOY, read
from tests.support.deployment.monitoring import path_of
from tests.waiting import eventually

WINDOW: Final = "30s"
"""In place of Grafana's own choice."""


@dataclass(frozen=True, slots=True)
class Series:
    """One series of an answer: its labels, and the values that are numbers."""

    labels: Mapping[str, str]
    values: tuple[float, ...]


@dataclass(slots=True)
class Prometheus:
    """A running server."""

    client: httpx.AsyncClient
    began: float

    async def series(self, expr: str) -> list[Series]:
        """Return what *expr* has shown since the server began, without series of no number at all."""
        query = expr.replace("$__rate_interval", WINDOW)
        asked: dict[str, str | float] = {"query": query, "start": self.began, "end": time.time(), "step": 1}
        answer = await self.client.get("/api/v1/query_range", params=asked)
        answer.raise_for_status()
        found = [Series(each["metric"], _numbers(each["values"])) for each in answer.json()["data"]["result"]]
        return [each for each in found if each.values]

    async def latest(self, expr: str, **labels: str) -> float:
        """Return the sum of what *expr* shows now of series with *labels*; raise LookupError where there is none."""
        answer = await self.client.get("/api/v1/query", params={"query": expr.replace("$__rate_interval", WINDOW)})
        answer.raise_for_status()
        found = [each for each in answer.json()["data"]["result"] if labels.items() <= each["metric"].items()]
        if not found:
            raise LookupError(f"no series of {expr} has {labels}")
        return math.fsum(float(each["value"][1]) for each in found)

    async def is_up(self) -> bool:
        return (await self.client.get("/-/ready")).status_code == 200


def _numbers(values: list[list[Any]]) -> tuple[float, ...]:
    return tuple(number for _, text in values if not math.isnan(number := float(text)))


def _configuration(targets: Mapping[str, int], broker_port: int) -> Any:
    """Return the configuration of deploy/ at the addresses of a test, in a hurry."""
    chosen = read(DEPLOY / "prometheus" / "prometheus.yml")
    chosen["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    chosen["rule_files"] = [str(DEPLOY / "prometheus" / name) for name in chosen["rule_files"]]
    del chosen["alerting"]
    sniper, *broker = chosen["scrape_configs"]
    del sniper["relabel_configs"]
    sniper["static_configs"] = [
        {"targets": [f"127.0.0.1:{port}"], "labels": {"service": name}} for name, port in targets.items()
    ]
    for each in broker:
        each["static_configs"] = [{"targets": [f"127.0.0.1:{broker_port}"]}]
    return chosen


@asynccontextmanager
async def running_prometheus(
    targets: Mapping[str, int], broker_port: int, directory: Path
) -> AsyncIterator[Prometheus]:
    """Scrape these ports of the loopback by the names of their services, and RabbitMQ's."""
    [port] = free_ports(1)
    file = directory / "prometheus.yml"
    file.write_text(yaml.safe_dump(_configuration(targets, broker_port)))
    process = await asyncio.create_subprocess_exec(
        path_of("prometheus"),
        f"--config.file={file}",
        f"--storage.tsdb.path={directory / 'prometheus'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
    )
    try:
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", trust_env=False, verify=False, timeout=10
        ) as client:
            server = Prometheus(client, time.time())
            await eventually(server.is_up, within_seconds=30)
            yield server
    finally:
        process.terminate()
        await process.wait()
