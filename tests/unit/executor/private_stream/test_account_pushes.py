"""Frames of the private stream become pushes or one kind of error, whatever they hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.private_stream.account_pushes import BalancePush, DealPush, OrderPush, OtherPush, decoded
from shared.mexc import wire_pb2
from shared.mexc.streams.control_frame import FrameError
from tests.support.data.wire import field

UNKNOWN_FIELD = field(999, b"of a newer schema")


def test_each_kind_is_read() -> None:
    wrapper = wire_pb2.PushDataV3ApiWrapper
    order = wrapper(privateOrders=wire_pb2.PrivateOrdersV3Api(clientId="a", status=2))
    deal = wrapper(privateDeals=wire_pb2.PrivateDealsV3Api(clientOrderId="b"))
    balance = wrapper(privateAccount=wire_pb2.PrivateAccountV3Api(vcoinName="ABC"))
    other = wrapper(publicMiniTicker=wire_pb2.PublicMiniTickerV3Api(symbol="ABCUSDT"))

    read = [decoded(each.SerializeToString()) for each in (order, deal, balance, other, wrapper())]

    assert read == [OrderPush("a"), DealPush("b"), BalancePush("ABC"), OtherPush(), OtherPush()]


def test_unknown_fields_are_passed_over() -> None:
    order = wire_pb2.PushDataV3ApiWrapper(privateOrders=wire_pb2.PrivateOrdersV3Api(clientId="a", status=77))

    assert decoded(order.SerializeToString() + UNKNOWN_FIELD) == OrderPush("a")


@pytest.mark.parametrize("frame", [b"\xff" * 64, field(1, b"\xc3\x28"), b"<html></html>"])
def test_a_frame_that_is_not_of_the_schema_is_unreadable(frame: bytes) -> None:
    with pytest.raises(FrameError):
        decoded(frame)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_push_or_unreadable(frame: bytes) -> None:
    try:
        push = decoded(frame)
    except FrameError:
        return
    assert isinstance(push, OrderPush | DealPush | BalancePush | OtherPush)
