"""Does on a simulated exchange what a script says, so many times faster."""

import asyncio

from tests.support.running.simulators import Simulator
from tests.traffic.steps import Delist, Disconnect, List, Misread, Move, Pause, Resume, Script, Step


class Driver:
    def __init__(self, simulator: Simulator, speed: float) -> None:
        self._simulator = simulator
        self._speed = speed
        self.opens_at_ms: dict[Step, int] = {}
        """When each listing, and each moved one, opens by the exchange's word."""

    async def follow(self, script: Script) -> None:
        """Return at the end of the day."""
        now = asyncio.get_running_loop().time
        began_at = now()
        for step in script.steps:
            await asyncio.sleep(began_at + step.at / self._speed - now())
            await self._do(step)
        await asyncio.sleep(began_at + script.seconds / self._speed - now())

    async def _do(self, step: Step) -> None:
        match step.action:
            case List(symbol):
                self.opens_at_ms[step] = await self._list(symbol, step.action)
            case Move(symbol, opens_in):
                changed = await self._simulator.change_coin(symbol, opens_in=opens_in / self._speed)
                self.opens_at_ms[step] = changed["first_open_time_ms"]
            case Delist(symbol):
                await self._simulator.delist_coin(symbol)
            case Pause(symbol):
                await self._simulator.change_coin(symbol, status="suspended")
            case Resume(symbol):
                await self._simulator.change_coin(symbol, status="trading")
            case Disconnect():
                await self._simulator.arm("ws_disconnect")
            case Misread(fault, option, value):
                await self._simulator.arm(fault, **{option: value} if option else {})

    async def _list(self, symbol: str, coin: List) -> int:
        listed = await self._simulator.list_coin(
            symbol,
            listed_in=coin.listed_in / self._speed,
            opens_in=coin.opens_in / self._speed,
            opens_late_by=coin.late_by / self._speed,
            api=coin.api,
        )
        return int(listed["first_open_time_ms"])
