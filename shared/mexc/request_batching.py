"""Questions about single names that go together where they would wait: one about many weighs as much as about one."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field
from typing import Final, Generic, NamedTuple, TypeVar

from shared.mexc.errors import ExchangeRejected, RateLimited

T = TypeVar("T")

JOIN_SECONDS_MAX: Final = 0.25
"""A question that is not answered for longer holds up no other."""
NAMES_MAX: Final = 50

Ask = Callable[[Sequence[str]], Awaitable[Mapping[str, T]]]


class _Answer(NamedTuple, Generic[T]):
    value: T | None


@dataclass(eq=False, slots=True)
class _Caller(Generic[T]):
    """One who waits."""

    name: str
    answer: "asyncio.Future[_Batch[T] | _Answer[T]]"
    """Of the answer, or that it is this one's turn to ask for all of the batch."""

    def deliver(self, answer: "_Batch[T] | _Answer[T]") -> bool:
        """Tell it, and return True, unless it has gone."""
        if self.answer.done():
            return False
        self.answer.set_result(answer)
        return True


class _Batch(Generic[T]):
    """Those who wait for one question, beside the one who puts it."""

    def __init__(self) -> None:
        self.waiting: list[_Caller[T]] = []

    def names(self, own: str) -> Sequence[str]:
        """Return every name once, the leader's *own* first."""
        return list(dict.fromkeys((own, *(each.name for each in self.waiting))))

    def deliver(self, found: Mapping[str, T]) -> None:
        """Give those whose names were *found* their answers."""
        for caller in self.without(lambda name: name not in found).waiting:
            caller.deliver(_Answer(found[caller.name]))

    def deliver_unknown(self) -> None:
        """Tell everybody that the name is not known."""
        for caller in self.waiting:
            caller.deliver(_Answer(None))

    def fail(self, error: Exception) -> None:
        """Have everybody hear of *error*."""
        for caller in self.waiting:
            if not caller.answer.done():
                caller.answer.set_exception(error)

    def without(self, stays: Callable[[str], bool]) -> "_Batch[T]":
        """Take out those whose name does not stay, and return them as a batch of their own."""
        others = _Batch[T]()
        others.waiting = [each for each in self.waiting if not stays(each.name)]
        self.waiting = [each for each in self.waiting if stays(each.name)]
        return others


class _RefusedBeforeError(Exception):
    """The question before was refused: that counts once, and this one was not asked."""

    def __init__(self, refusal: RateLimited) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal


@dataclass(slots=True)
class _Request:
    """A question under way."""

    ended: asyncio.Event = field(default_factory=asyncio.Event)
    refusal: RateLimited | None = None


class RequestBatcher(Generic[T]):
    """Asks for each name as soon as may be, and for several in one question where they would wait for one another.

    The first question goes out at once. What is asked while it is under way, or while the limits let none begin, goes
    together in the next. What the exchange refuses of several, or leaves out, is asked for again in smaller questions,
    so that a name which it does not know concerns that name alone.
    """

    def __init__(
        self,
        ask: Ask[T],
        admission: Callable[[], AbstractAsyncContextManager[None]],
        *,
        join_seconds_max: float = JOIN_SECONDS_MAX,
    ) -> None:
        """*ask* puts one question, within *admission*, where it waits for its turn."""
        self._ask = ask
        self._admission = admission
        self._join_seconds_max = join_seconds_max
        self._open: _Batch[T] | None = None
        """Has not been asked for yet: who comes joins it."""
        self._latest: _Request | None = None

    async def of(self, name: str) -> T | None:
        """Return the answer for *name*; None where the exchange does not know it. Raises ExchangeError."""
        batch = self._open
        if batch is None or len(batch.waiting) >= NAMES_MAX:
            batch = self._open = _Batch[T]()
            return await self._lead(batch, name)
        answer = await self._joined(batch, name)
        return answer.value if isinstance(answer, _Answer) else await self._lead(answer, name)

    async def _joined(self, batch: _Batch[T], name: str) -> _Batch[T] | _Answer[T]:
        caller = _Caller[T](name, asyncio.get_running_loop().create_future())
        batch.waiting.append(caller)
        try:
            return await caller.answer
        except asyncio.CancelledError:
            if caller in batch.waiting:
                batch.waiting.remove(caller)
            if caller.answer.done() and not caller.answer.cancelled() and caller.answer.exception() is None:
                received = caller.answer.result()
                if isinstance(received, _Batch):
                    self._hand_over(received)
            raise

    async def _lead(self, batch: _Batch[T], name: str) -> T | None:
        """Ask for all of *batch*, and for *name*, until that is answered; what is left is for another to ask for."""
        try:
            while True:
                names, found = await self._send(batch, name)
                batch.deliver(found)
                if len(names) == 1:
                    batch.deliver_unknown()
                    return found.get(name)
                if name in found:
                    self._hand_over(batch)
                    return found[name]
                if not found:
                    self._hand_over(batch.without(frozenset(names[: (len(names) + 1) // 2]).__contains__))
        except Exception as error:
            self._close(batch)
            batch.fail(error)
            raise
        except BaseException:
            self._hand_over(batch)  # Only this asker gives up.
            raise

    async def _send(self, batch: _Batch[T], name: str) -> tuple[Sequence[str], Mapping[str, T]]:
        """Return what was asked for, and what was found of it."""
        try:
            async with self._admission():
                await self._wait_for_previous()
                return await self._send_once(batch, name)
        except _RefusedBeforeError as error:
            raise error.refusal from None

    async def _send_once(self, batch: _Batch[T], name: str) -> tuple[Sequence[str], Mapping[str, T]]:
        self._close(batch)
        names = batch.names(name)
        request = self._latest = _Request()
        try:
            answer = await self._ask(names)
            # What was not asked for is no answer, and must not seem one.
            return names, {asked: answer[asked] for asked in names if asked in answer}
        except RateLimited as refusal:
            request.refusal = refusal
            raise
        except ExchangeRejected as refusal:
            if len(names) == 1 and not refusal.is_unknown_symbol:
                raise
            return names, {}
        finally:
            request.ended.set()
            if self._latest is request:
                self._latest = None

    async def _wait_for_previous(self) -> None:
        """Wait for the end of the question before, whose askers are not asked for again, but not for long."""
        before = self._latest
        if before is None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(self._join_seconds_max):
                await before.ended.wait()
        if before.refusal is not None:
            raise _RefusedBeforeError(before.refusal)

    def _hand_over(self, batch: _Batch[T]) -> None:
        """Have the first who waits ask for *batch*, if there is anybody."""
        while batch.waiting:
            if batch.waiting.pop(0).deliver(batch):
                return
        self._close(batch)

    def _close(self, batch: _Batch[T]) -> None:
        if self._open is batch:
            self._open = None
