"""Transitions of a symbol's record: its state by lists and trading, and changes by each kind of event."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from msgspec.structs import replace

from ingest.catalogue.plausibility.thresholds import Thresholds
from ingest.catalogue.symbol_register import SymbolRecord, SymbolState, record_of_name
from shared.mexc.symbols import SIDES_CLOSED, SymbolInfo

_CLOSED: Final = frozenset.intersection(*SIDES_CLOSED.values())
"""Trade side types of a pair that takes no orders of either side."""


class Access(NamedTuple):
    """Access to a symbol by the two lists; None where they do not show it."""

    named: bool | None = None
    """Among the tradable names; False only for one that was among them before."""
    open: bool | None = None
    """Online, open to the API and to at least one side."""

    @property
    def is_denied(self) -> bool:
        """Return whether one of the lists shows that we cannot trade it."""
        return self.named is False or self.open is False

    @property
    def is_granted(self) -> bool:
        """Return whether one of the lists shows that we can."""
        return self.named is True or self.open is True


def is_open(info: SymbolInfo) -> bool | None:
    """Return whether the pair takes orders; None for an unreadable entry."""
    if not info.status:
        return None
    return info.is_online and info.api_allowed and info.trade_side_type not in _CLOSED


def state_of(record: SymbolRecord, access: Access, at: datetime) -> SymbolState:
    """Return the state of *record* at *at*. Only trading makes it tradable, and only a list suspends it."""
    if not record.is_shown:
        return record.state
    if record.trading_since is None:
        if record.opens_after(at):
            return SymbolState.LISTED
        if access.named is None:
            return record.state
        if access.named is False:
            return record.state if record.state is SymbolState.LISTED else SymbolState.SUSPENDED
    if access.is_denied or (record.state is SymbolState.SUSPENDED and not access.is_granted):
        return SymbolState.SUSPENDED
    return SymbolState.TRADABLE


def with_state(record: SymbolRecord, access: Access, at: datetime) -> SymbolRecord:
    """Return *record* in its state at *at*."""
    state = state_of(record, access, at)
    return record if state is record.state else replace(record, state=state)


def with_assets(record: SymbolRecord, info: SymbolInfo) -> SymbolRecord:
    """Return *record* with the assets of *info*; missing ones stay."""
    base, quote = info.base_asset or record.base_asset, info.quote_asset or record.quote_asset
    if (base, quote) == (record.base_asset, record.quote_asset):
        return record
    return replace(record, base_asset=base, quote_asset=quote)


def with_trading(record: SymbolRecord, since: datetime, access: Access, at: datetime) -> SymbolRecord:
    """Return *record* as trading since *since*."""
    return with_state(replace(record, trading_since=since), access, at)


def opening_seen(
    record: SymbolRecord, opened_at: datetime | None, at: datetime, thresholds: Thresholds, *, is_awaited: bool
) -> datetime | None:
    """Return the opening to publish for a first sign of trading at *at*; None where it is no news.

    It is *opened_at* at the earliest, where coverage shows that, and not before the symbol was shown or due to open.
    A symbol that appeared unwatched may have traded before it was shown. A time close to the known opening is no news,
    nor is one close to the first sight of a tradable symbol, unless it *is_awaited* by readers, nor any of one that
    appeared long after its opening.
    """
    if opened_long_ago(record, record.first_seen_at, thresholds.fresh_for):
        return None
    on_time = thresholds.on_time
    opening = max(filter(None, (_not_before(record, at), opened_at)), default=None)
    if opening is None:
        return None
    if record.opens_at is None:
        is_waited_for = is_awaited or record.state is SymbolState.LISTED
        return opening if is_waited_for or opening - record.first_seen_at > on_time else None
    if abs(at - record.opens_at) <= on_time:
        return None
    return opening if abs(opening - record.opens_at) > on_time else None


def _not_before(record: SymbolRecord, at: datetime) -> datetime | None:
    """Return the time before which *record*, which trades at *at*, did not; None where it is unknown."""
    if record.opens_at is not None and not record.opens_after(at):
        return record.opens_at
    return record.watched_since


def opened_long_ago(record: SymbolRecord, at: datetime, fresh_for: timedelta) -> bool:
    """Return whether *record*, which appears at *at*, opened more than *fresh_for* ago."""
    return record.opens_at is not None and at - record.opens_at > fresh_for


def without_passed_opening(record: SymbolRecord, at: datetime, on_time: timedelta) -> SymbolRecord:
    """Return *record*, which appears under watch at *at*, without an announced opening that did not take place.

    Nothing showed it at that time, nor for *on_time* behind it, so it was not traded.
    """
    return replace(record, opens_at=None) if opened_long_ago(record, at, on_time) else record


def reopening(record: SymbolRecord, opens_at: datetime | None, at: datetime) -> tuple[SymbolRecord, bool]:
    """Return *record* with the opening *opens_at*, and whether that is to be published: one of the two is to come.

    For a trading symbol only the first opening counts: one that ticked before a later opening does not trade. One that
    trades although its opening is to come is waited for in vain, so that one that has passed is news.
    """
    if opens_at is None or opens_at == record.opens_at:
        return record, False
    after = replace(record, opens_at=opens_at)
    if record.trading_since is None or (record.opens_after(at) and not after.opens_after(at)):
        return after, record.opens_after(at) or after.opens_after(at)
    if record.opens_at is None and after.opens_after(max(at, record.trading_since)):
        return replace(after, trading_since=None), True
    return after, False


def appeared(before: SymbolRecord | None, symbol: str, observed_at: datetime) -> SymbolRecord:
    """Return *symbol* as newly listed: for the first time, as announced, or again after it was gone."""
    if before is None:
        return record_of_name(symbol, observed_at)
    if before.state is SymbolState.GONE:
        return _relisted(before, SymbolState.LISTED, observed_at)
    former_until = before.former_until or (before.first_seen_at if before.occurrence > 1 else None)
    return replace(
        before, state=SymbolState.LISTED, first_seen_at=observed_at, published=False, former_until=former_until
    )


def announced(before: SymbolRecord | None, symbol: str, observed_at: datetime, opens_at: datetime) -> SymbolRecord:
    """Return *symbol*, which is on no list, as announced."""
    if before is None:
        return replace(record_of_name(symbol, observed_at, SymbolState.ANNOUNCED), opens_at=opens_at)
    if before.state is SymbolState.GONE:
        return replace(_relisted(before, SymbolState.ANNOUNCED, observed_at), opens_at=opens_at)
    return replace(before, opens_at=opens_at)


def gone(record: SymbolRecord, at: datetime) -> SymbolRecord:
    return replace(record, state=SymbolState.GONE, gone_since=at)


def never_traded(record: SymbolRecord, missing_since: datetime, *, shown_closed: bool) -> bool:
    """Return whether *record*, which nothing has shown since *missing_since*, surely never traded.

    Its opening was still to come then; or it was *shown_closed* only, under a watch that would have seen it trade.
    What was there before the first start was never published, so its return has to be a listing.
    """
    if not record.published or record.state is not SymbolState.LISTED or record.trading_since is not None:
        return False
    return record.opens_after(missing_since) or (shown_closed and not record.late)


def withdrawn(record: SymbolRecord) -> SymbolRecord:
    """Return *record*, which was listed and never traded, as announced: when it returns, its opening has moved."""
    return replace(record, state=SymbolState.ANNOUNCED, opens_at=None, opens_moved_from=None, late=False)


def _relisted(before: SymbolRecord, state: SymbolState, observed_at: datetime) -> SymbolRecord:
    return SymbolRecord(
        symbol=before.symbol,
        state=state,
        base_asset=before.base_asset,
        quote_asset=before.quote_asset,
        first_seen_at=observed_at,
        occurrence=before.occurrence + 1,
        former_until=before.gone_since,
    )


def baseline_record(
    symbol: str, seen_at: datetime, announced_at: datetime | None = None, info: SymbolInfo | None = None
) -> SymbolRecord:
    """Return *symbol* as part of the baseline: it trades, unless its opening is still to come."""
    record = record_of_name(symbol, seen_at) if info is None else _only_described(info, seen_at)
    opens_at = record.opens_at or announced_at
    if opens_at is not None and opens_at > seen_at:
        return replace(record, opens_at=opens_at)
    state = SymbolState.SUSPENDED if info is not None and is_open(info) is False else SymbolState.TRADABLE
    return replace(record, state=state, opens_at=opens_at, trading_since=opens_at or seen_at)


def _only_described(info: SymbolInfo, observed_at: datetime) -> SymbolRecord:
    if info.base_asset and info.quote_asset:
        return SymbolRecord(
            info.symbol, SymbolState.LISTED, info.base_asset, info.quote_asset, observed_at, info.first_open_time
        )
    return replace(with_assets(record_of_name(info.symbol, observed_at), info), opens_at=info.first_open_time)


def of_this_listing(opens_at: datetime | None, record: SymbolRecord, fresh_for: timedelta) -> datetime | None:
    """Return *opens_at* unless it is that of the listing before *record*, which exchangeInfo may still state.

    Where the end of that one is not known any more, one that appeared under watch opened *fresh_for* before at most.
    """
    if opens_at is None or record.occurrence == 1:
        return opens_at
    former_until = record.former_until
    if former_until is None and record.watched_since is not None:
        former_until = record.watched_since - fresh_for
    return opens_at if former_until is None or opens_at > former_until else None
