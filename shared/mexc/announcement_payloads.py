"""Coins of the web site's calendar and announcements of the API, decoded entry by entry."""

from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from shared.mexc.lenient_numbers import Number, moment_of
from shared.mexc.payloads import UNREADABLE
from shared.mexc.symbols import normalise


class NewCoin(NamedTuple):
    """Coin of the calendar, by its ticker: the calendar does not name the pairs it will trade in."""

    asset: str
    opens_at: datetime


class _Coins(msgspec.Struct, rename="camel"):
    new_coins: list[msgspec.Raw]


class Calendar(msgspec.Struct):
    """Answer of the new-coin calendar, its coins undecoded, so that one odd entry cannot cost the others."""

    data: _Coins


class _Coin(msgspec.Struct, rename="camel"):
    vcoin_name: str
    first_open_time: Number = None


class Notice(NamedTuple):
    """Announcement of the exchange."""

    title: str
    posted_at: datetime


class _NoticePage(msgspec.Struct):
    details: list[msgspec.Raw]


class Notices(msgspec.Struct):
    """Answer of /announcements, its entries undecoded, so that one odd entry cannot cost the others."""

    data: list[_NoticePage]


class _Notice(msgspec.Struct, rename="camel"):
    title: str
    post_time: Number = None


_coin_decoder: Final = msgspec.json.Decoder(_Coin)
_notice_decoder: Final = msgspec.json.Decoder(_Notice)


def new_coin(entry: msgspec.Raw) -> NewCoin | None:
    """Read one entry of the calendar; None when it lacks a ticker or an opening time."""
    try:
        coin = _coin_decoder.decode(entry)
    except UNREADABLE:
        return None
    asset, opens_at = normalise(coin.vcoin_name), moment_of(coin.first_open_time)
    return NewCoin(asset, opens_at) if asset and opens_at else None


def notice(entry: msgspec.Raw) -> Notice | None:
    """Read one announcement; None when it lacks a title or a time."""
    try:
        wire = _notice_decoder.decode(entry)
    except UNREADABLE:
        return None
    posted_at = moment_of(wire.post_time)
    return Notice(wire.title, posted_at) if wire.title and posted_at else None
