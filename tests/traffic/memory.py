"""Memory of the services, by their own metrics, and its growth."""

import asyncio
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Never

from prometheus_client.parser import text_string_to_metric_families

from tests.support.running.processes import Sniper
from tests.support.running.simulators import plain_http
from tests.traffic.record import Reading


def deviation(readings: Iterable[Reading], *, warm_after: float) -> float:
    """Return how far the farthest reading is from the median of them all, as a part of it, once warm."""
    warm = [reading.resident_bytes for reading in readings if reading.at >= warm_after]
    median = statistics.median(warm)
    return max(abs(each - median) for each in warm) / median


class Memory:
    """Reads the memory of processes again and again."""

    def __init__(self, processes: Mapping[str, Sniper], every_seconds: float) -> None:
        self._processes = processes
        self._every_seconds = every_seconds
        self.readings: dict[str, list[Reading]] = {name: [] for name in processes}

    async def watch(self) -> Never:
        began_at = asyncio.get_running_loop().time()
        while True:
            for name, process in self._processes.items():
                resident = await sample(process, "process_resident_memory_bytes")
                self.readings[name].append(Reading(asyncio.get_running_loop().time() - began_at, resident))
            await asyncio.sleep(self._every_seconds)


async def sample(process: Sniper, name: str, **labels: str) -> float:
    """Return the sample *name* of *process*, 0 where it has none."""
    async with plain_http() as http:
        answer = await http.get(f"http://127.0.0.1:{process.metrics_port}/metrics")
    found: Sequence[float] = [
        each.value
        for family in text_string_to_metric_families(answer.text)
        for each in family.samples
        if each.name == name and labels.items() <= each.labels.items()
    ]
    return sum(found)
