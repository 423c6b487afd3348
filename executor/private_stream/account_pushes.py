"""Pushes of the private stream, decoded. Pure."""

from dataclasses import dataclass
from typing import Final

from google.protobuf.message import DecodeError

from shared.mexc import wire_pb2
from shared.mexc.streams.control_frame import FrameError

CHANNELS: Final = frozenset(f"spot@private.{each}.v3.api.pb" for each in ("orders", "deals", "account"))


@dataclass(frozen=True, slots=True)
class OrderPush:
    """Something happened to the order of this client order id."""

    client_order_id: str


@dataclass(frozen=True, slots=True)
class DealPush:
    """The order of this client order id was filled, at least in part."""

    client_order_id: str


@dataclass(frozen=True, slots=True)
class BalancePush:
    """The balance of this asset changed."""

    asset: str


@dataclass(frozen=True, slots=True)
class OtherPush:
    """A body that was not subscribed to."""


Push = OrderPush | DealPush | BalancePush | OtherPush


def decoded(frame: bytes) -> Push:
    """Return the push in *frame*; raise FrameError where it is unreadable.

    Figures are left alone on purpose: those that count are read by REST.
    """
    try:
        wrapper = wire_pb2.PushDataV3ApiWrapper.FromString(frame)
    except DecodeError as error:
        raise FrameError(str(error)) from error
    match wrapper.WhichOneof("body"):
        case "privateOrders":
            return OrderPush(wrapper.privateOrders.clientId)
        case "privateDeals":
            return DealPush(wrapper.privateDeals.clientOrderId)
        case "privateAccount":
            return BalancePush(wrapper.privateAccount.vcoinName)
    return OtherPush()
