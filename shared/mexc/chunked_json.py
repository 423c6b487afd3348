"""Long JSON arrays, decoded in chunks: decoded as a whole they block the event loop for too long."""

import asyncio
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import msgspec

from shared.mexc.http.request import decode
from shared.mexc.payloads import UNREADABLE
from shared.mexc.symbol_payloads import DefaultSymbols, ExchangeInfo

T = TypeVar("T")

CHUNK_BYTES: Final = 32 * 1024
"""About fifty descriptions, or two thousand names: a millisecond to decode."""


@dataclass(frozen=True, slots=True)
class ArrayAnswer(Generic[T]):
    """Shape of an answer that is one long array, and little else."""

    shape: type[msgspec.Struct]
    key: str
    """Key of the array."""
    entries: type[list[T]]
    seam: bytes
    """Text where one entry ends and the next begins, as the exchange writes it. Its first byte ends the entry."""

    @property
    def opening(self) -> bytes:
        return b'"%b":[' % self.key.encode()


DESCRIPTIONS: Final = ArrayAnswer(ExchangeInfo, "symbols", list[msgspec.Raw], b'},{"symbol"')
NAMES: Final = ArrayAnswer(DefaultSymbols, "data", list[str], b'","')


def chunks_of(segments: Sequence[bytes], answer: ArrayAnswer[T]) -> Iterator[Collection[T]]:
    """Yield the entries of *answer*, some of them twice at worst; raise ExchangeUnavailable where it is another."""
    try:
        yield from _pieces(segments, answer)
    except UNREADABLE:
        # Unexpected spelling, or invalid. Entries read so far are entries all the same: only between two of them can an
        # array be cut into two valid ones.
        yield getattr(decode(b"".join(segments), answer.shape), answer.key)


def _pieces(segments: Sequence[bytes], answer: ArrayAnswer[T]) -> Iterator[Collection[T]]:
    head, opening, rest = segments[0].partition(answer.opening)
    msgspec.json.decode(head + opening + b"]}", type=answer.shape)
    for segment in (b"", *segments[1:]):
        rest, start = rest + segment, 0
        while (seam := rest.find(answer.seam, start + CHUNK_BYTES)) >= 0:
            yield msgspec.json.decode(b"[%b]" % rest[start : seam + 1], type=answer.entries)
            start = seam + 2
        rest = rest[start:]
    yield getattr(msgspec.json.decode(b"{%b%b" % (opening, rest), type=answer.shape), answer.key)


async def is_unchanged(segments: Sequence[bytes], before: Sequence[bytes], answer: ArrayAnswer[T]) -> bool:
    """Return whether both hold the same array; what comes before it, such as the server's time, does not count.

    False for another length.
    """
    if [len(each) for each in segments] != [len(each) for each in before]:
        return False
    start = segments[0].find(f'"{answer.key}"'.encode())
    for segment, earlier in zip(segments, before, strict=True):
        if start < 0 or segment[start:] != earlier[start:]:
            return False
        start = 0
        await asyncio.sleep(0)
    return True
