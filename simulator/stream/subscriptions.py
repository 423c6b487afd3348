"""Subscriptions of one connection, and the replies to its control frames."""

from collections.abc import Callable

import msgspec

from simulator.stream.channels import Channel, parse

_PARAMS_MAX = 100


class _Request(msgspec.Struct):
    method: str
    params: list[str] = []
    id: int = 0


class Subscriptions:
    def __init__(self, limit: int, refuse: Callable[[], bool], *, has_listen_key: bool = False) -> None:
        self._limit = limit
        self._refuse = refuse  # whether a fault refuses the next subscription
        self._has_listen_key = has_listen_key
        self._decoder = msgspec.json.Decoder(_Request)
        self.channels: dict[str, Channel] = {}

    def answer(self, text: str) -> bytes:
        """Return the reply to a text frame. Every reply has code 0, refusals too, as on MEXC."""
        try:
            request = self._decoder.decode(text)
        except msgspec.DecodeError:
            return _reply(0, "msg format invalid")
        match request.method.upper():
            case "PING":
                return _reply(request.id, "PONG")
            case "SUBSCRIPTION":
                return _reply(request.id, self.subscribe(request.params[:_PARAMS_MAX]))
            case "UNSUBSCRIPTION":
                for name in request.params:
                    self.channels.pop(name, None)
                return _reply(request.id, ",".join(request.params))
        return _reply(request.id, "msg format invalid")

    def subscribe(self, names: list[str]) -> str:
        """Subscribe to channels; return those accepted, or a message with those refused."""
        accepted = [name for name in names if self.add(name)]
        refused = [name for name in names if name not in accepted]
        if refused or not names:
            # A full-width colon and two kinds of blank, exactly as MEXC sends them.
            return f"Not Subscribed successfully! [{','.join(refused)}].  Reason： Blocked! "
        return ",".join(accepted)

    def add(self, name: str) -> bool:
        """Subscribe to one channel; return whether it exists and is neither refused nor one too many."""
        channel = parse(name)
        if channel is None or self._refuse():
            return False
        if channel.feed.is_private and not self._has_listen_key:
            return False
        if name not in self.channels and len(self.channels) >= self._limit:
            return False
        self.channels[name] = channel
        return True


def _reply(request_id: int, message: str) -> bytes:
    return msgspec.json.encode({"id": request_id, "code": 0, "msg": message})
