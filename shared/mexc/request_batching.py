"""Batching of requests about single names: one about many has the weight of one about one."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field
from typing import Final, Generic, NamedTuple, TypeVar

from shared.mexc.errors import ExchangeRejected, RateLimited

T = TypeVar("T")

JOIN_SECONDS_MAX: Final = 0.25
"""Longest wait for the answer to the previous request."""
NAMES_MAX: Final = 50

Ask = Callable[[Sequence[str]], Awaitable[Mapping[str, T]]]


class _Answer(NamedTuple, Generic[T]):
    value: T | None


@dataclass(eq=False, slots=True)
class _Caller(Generic[T]):
    """Caller that waits for its answer."""

    name: str
    answer: "asyncio.Future[_Batch[T] | _Answer[T]]"
    """The answer, or the batch that is this caller's turn to request."""

    def deliver(self, answer: "_Batch[T] | _Answer[T]") -> bool:
        """Deliver *answer*; return False where the caller has given up."""
        if self.answer.done():
            return False
        self.answer.set_result(answer)
        return True


class _Batch(Generic[T]):
    """Callers that wait for one request, besides its leader."""

    def __init__(self) -> None:
        self.waiting: list[_Caller[T]] = []

    def names(self, own: str) -> Sequence[str]:
        """Return every name once, the leader's *own* first."""
        return list(dict.fromkeys((own, *(each.name for each in self.waiting))))

    def deliver(self, found: Mapping[str, T]) -> None:
        """Deliver the answers of the names that were *found*."""
        for caller in self.without(lambda name: name not in found).waiting:
            caller.deliver(_Answer(found[caller.name]))

    def deliver_unknown(self) -> None:
        """Deliver to everyone that the name is unknown."""
        for caller in self.waiting:
            caller.deliver(_Answer(None))

    def fail(self, error: Exception) -> None:
        """Deliver *error* to everyone."""
        for caller in self.waiting:
            if not caller.answer.done():
                caller.answer.set_exception(error)

    def without(self, stays: Callable[[str], bool]) -> "_Batch[T]":
        """Remove the callers whose name does not stay, and return them as a batch of their own."""
        others = _Batch[T]()
        others.waiting = [each for each in self.waiting if not stays(each.name)]
        self.waiting = [each for each in self.waiting if stays(each.name)]
        return others


class _RefusedBeforeError(Exception):
    """The previous request was refused: that counts once, and this one was not sent."""

    def __init__(self, refusal: RateLimited) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal


@dataclass(slots=True)
class _Request:
    """Request under way."""

    ended: asyncio.Event = field(default_factory=asyncio.Event)
    refusal: RateLimited | None = None


class RequestBatcher(Generic[T]):
    """Requests each name at once, and several in one request where they would wait for one another.

    The first request is sent at once. Names that arrive while it is under way, or while the rate limits admit none,
    share the next. Names of several that the exchange refuses or leaves out are requested again in smaller batches, so
    that an unknown name concerns itself alone.
    """

    def __init__(
        self,
        ask: Ask[T],
        admission: Callable[[], AbstractAsyncContextManager[None]],
        *,
        join_seconds_max: float = JOIN_SECONDS_MAX,
    ) -> None:
        """*ask* sends one request, within *admission*, which waits for its turn."""
        self._ask = ask
        self._admission = admission
        self._join_seconds_max = join_seconds_max
        self._open: _Batch[T] | None = None
        """Not sent yet: new callers join it."""
        self._latest: _Request | None = None

    async def of(self, name: str) -> T | None:
        """Return the answer for *name*; None for an unknown one. Raises ExchangeError."""
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
        """Request all of *batch* and *name* until that is answered; another caller takes over the rest."""
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
            self._hand_over(batch)  # Only this caller gives up.
            raise

    async def _send(self, batch: _Batch[T], name: str) -> tuple[Sequence[str], Mapping[str, T]]:
        """Return the names requested, and the answers found."""
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
            # Answers for names that were not requested are dropped.
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
        """Wait for the previous request, whose names are not requested again, but not for long."""
        before = self._latest
        if before is None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(self._join_seconds_max):
                await before.ended.wait()
        if before.refusal is not None:
            raise _RefusedBeforeError(before.refusal)

    def _hand_over(self, batch: _Batch[T]) -> None:
        """Hand *batch* over to its first waiting caller, if any."""
        while batch.waiting:
            if batch.waiting.pop(0).deliver(batch):
                return
        self._close(batch)

    def _close(self, batch: _Batch[T]) -> None:
        if self._open is batch:
            self._open = None
