"""The JSON half of the websocket: what we ask, and what the answers mean."""

from collections.abc import Iterable
from typing import Final

import msgspec

PING: Final = '{"method":"PING"}'
PONG: Final = "PONG"
SUBSCRIPTION_ID: Final = 1
UNSUBSCRIPTION_ID: Final = 2


class FrameError(Exception):
    """What came is not a frame that we asked for."""


class Answer(msgspec.Struct, frozen=True):
    """What the exchange says to a request. Its code does not tell a refusal from a grant: it is 0 in both cases."""

    msg: str
    id: int | str | None = 0

    def grants(self) -> frozenset[str]:
        """Return the channels granted, if this is a grant: then the message is their names and nothing else."""
        return frozenset(self.msg.split(","))

    def refuses(self) -> frozenset[str]:
        """Return the channels that a refusal names in brackets, if it does."""
        return frozenset(self.msg.partition("[")[2].partition("]")[0].split(","))


def subscription(channels: Iterable[str]) -> str:
    return _request("SUBSCRIPTION", channels, SUBSCRIPTION_ID)


def unsubscription(channels: Iterable[str]) -> str:
    return _request("UNSUBSCRIPTION", channels, UNSUBSCRIPTION_ID)


def answer_in(text: str) -> Answer:
    """Return what a control frame says; raise FrameError where that is nothing."""
    try:
        return msgspec.json.decode(text, type=Answer)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise FrameError(str(error)) from error


def _request(method: str, channels: Iterable[str], request_id: int) -> str:
    return msgspec.json.encode({"method": method, "params": sorted(channels), "id": request_id}).decode()
