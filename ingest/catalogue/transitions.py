"""Which state follows from what is known of a symbol, and what changes with each kind of evidence."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from msgspec.structs import replace

from ingest.catalogue.symbol_record import Known, State, met
from shared.mexc.symbols import SymbolInfo

_CLOSED: Final = 4
"""The tradeSideType of a pair that takes no order at all."""


class Access(NamedTuple):
    """Whether we could trade a symbol, as far as the two lists tell; None where they do not."""

    named: bool | None = None
    """Among the names of tradable symbols; False only of one that was among them before."""
    open: bool | None = None
    """Online, open to the API and to at least one side."""


def is_open(info: SymbolInfo) -> bool | None:
    """None of an entry that was too odd to be read: it says nothing."""
    if not info.status:
        return None
    return info.is_online and info.api_allowed and info.trade_side_type != _CLOSED


def state_of(known: Known, access: Access, at: datetime) -> State:
    """Return the state of *known* at *at*. Only trading makes it tradable, and only a list makes it suspended."""
    if not known.is_shown:
        return known.state
    if known.trading_since is None:
        if known.opens_after(at):
            return State.LISTED
        if not access.named:
            was_open = known.state is not State.LISTED and access.named is False
            return State.SUSPENDED if was_open else known.state
    if access.named is False or access.open is False:
        return State.SUSPENDED
    is_told = access.named or access.open
    return known.state if known.state is State.SUSPENDED and not is_told else State.TRADABLE


def advanced(known: Known, access: Access, at: datetime) -> Known:
    """Return *known* in the state that follows."""
    state = state_of(known, access, at)
    return known if state is known.state else replace(known, state=state)


def described(known: Known, info: SymbolInfo) -> Known:
    """Return *known* with the assets that *info* names; what it leaves out stays."""
    base, quote = info.base_asset or known.base_asset, info.quote_asset or known.quote_asset
    if (base, quote) == (known.base_asset, known.quote_asset):
        return known
    return replace(known, base_asset=base, quote_asset=quote)


def trading(known: Known, since: datetime, access: Access, at: datetime) -> Known:
    """Return *known* as one that is known to trade since *since*."""
    return advanced(replace(known, trading_since=since), access, at)


def opening_seen(known: Known, opened_at: datetime | None, at: datetime, on_time: timedelta) -> datetime | None:
    """Return the opening to publish of a listing whose first sign of trading came at *at*; None where none is news.

    It trades since *opened_at* at the earliest, where the watch shows that, and not before it was shown or was to
    open. A moment about the opening that is known is no news, nor is one about the moment at which it was shown as
    tradable.
    """
    if known.opens_at is None:
        opening = max(known.first_seen_at, opened_at or known.first_seen_at)
        return opening if known.state is State.LISTED or opening - known.first_seen_at > on_time else None
    if abs(at - known.opens_at) <= on_time:
        return None
    floor = known.first_seen_at if known.opens_at > at else known.opens_at
    opening = max(floor, opened_at or floor)
    return opening if abs(opening - known.opens_at) > on_time else None


def opened_long_ago(known: Known, at: datetime, fresh_for: timedelta) -> bool:
    """Return whether *known*, which appears at *at*, has been open for longer than *fresh_for* by its opening."""
    return known.opens_at is not None and at - known.opens_at > fresh_for


def reopening(known: Known, opens_at: datetime | None, at: datetime) -> tuple[Known, bool]:
    """Return *known* with the opening *opens_at*, and whether others are to be told: one of the two is to come.

    Of a symbol that trades only the first word counts: what ticked and only then is said to open later does not trade.
    """
    if opens_at is None or opens_at == known.opens_at:
        return known, False
    after = replace(known, opens_at=opens_at)
    if known.trading_since is None:
        return after, known.opens_after(at) or after.opens_after(at)
    if known.opens_at is None and after.opens_after(max(at, known.trading_since)):
        return replace(after, trading_since=None), True
    return after, False


def appeared(before: Known | None, symbol: str, observed_at: datetime) -> Known:
    """Return *symbol* as newly listed: for the first time, as announced, or once more after it was gone."""
    if before is None:
        return met(symbol, observed_at)
    if before.state is State.GONE:
        return _next_life(before, State.LISTED, observed_at)
    return replace(before, state=State.LISTED, first_seen_at=observed_at)


def announced(before: Known | None, symbol: str, observed_at: datetime, opens_at: datetime) -> Known:
    """Return *symbol*, of which no list shows anything, as one that will be listed."""
    if before is None:
        return replace(met(symbol, observed_at, State.ANNOUNCED), opens_at=opens_at)
    if before.state is State.GONE:
        return replace(_next_life(before, State.ANNOUNCED, observed_at), opens_at=opens_at)
    return replace(before, opens_at=opens_at)


def gone(known: Known, at: datetime) -> Known:
    return replace(known, state=State.GONE, gone_since=at)


def _next_life(before: Known, state: State, observed_at: datetime) -> Known:
    return Known(
        symbol=before.symbol,
        state=state,
        base_asset=before.base_asset,
        quote_asset=before.quote_asset,
        first_seen_at=observed_at,
        occurrence=before.occurrence + 1,
    )


def old(symbol: str, seen_at: datetime, announced_at: datetime | None = None, info: SymbolInfo | None = None) -> Known:
    """Return *symbol* as one that was there before we looked: it trades, unless its opening is still to come."""
    known = met(symbol, seen_at) if info is None else _only_described(info, seen_at)
    opens_at = known.opens_at or announced_at
    if opens_at is not None and opens_at > seen_at:
        return replace(known, opens_at=opens_at)
    state = State.SUSPENDED if info is not None and is_open(info) is False else State.TRADABLE
    return replace(known, state=state, opens_at=opens_at, trading_since=opens_at or seen_at)


def _only_described(info: SymbolInfo, observed_at: datetime) -> Known:
    if info.base_asset and info.quote_asset:
        return Known(info.symbol, State.LISTED, info.base_asset, info.quote_asset, observed_at, info.first_open_time)
    return replace(described(met(info.symbol, observed_at), info), opens_at=info.first_open_time)
