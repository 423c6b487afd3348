"""Random outcomes of a request: any status, any code, any delay, with an order or without one."""

from typing import Final

import msgspec
from hypothesis import strategies as st

from executor.model.reasons import Reason
from executor.model.send_result import Rejected, Throttled, Unanswered
from executor.venues.error_codes import CODES, result_of_code
from executor.venues.venue import Way
from tests.support.model.model_exchange import HONEST, ONLY_TRADES, Fate

Lie = tuple[int, bytes, str]


def _refusal(status: int, code: int, message: str = "no", retry_after: str = "") -> Lie:
    return status, msgspec.json.encode({"code": code, "msg": message}), retry_after


def _stops(code: int) -> bool:
    verdict = result_of_code(code)
    return isinstance(verdict, Rejected) and (verdict.stop or verdict.reason is Reason.PAIR_REFUSED)


_UNPROVEN_CODES: Final = [code for code in CODES if isinstance(result_of_code(code), Unanswered)]
_STOPPING_CODES: Final = [code for code in CODES if _stops(code)]
_PROVING_CODES: Final = [
    code for code in CODES if not (_stops(code) or isinstance(result_of_code(code), Unanswered | Throttled))
]
_RETRY_AFTER: Final = st.sampled_from(["", "1", "0.2", "1.5", " 2 ", "Fri, 31 Dec 1999 23:59:59 GMT", "soon"])

WITHOUT_PROOF: Final[st.SearchStrategy[Lie]] = st.one_of(
    st.sampled_from([(200, b"{}", ""), (200, b"<html>", ""), (200, b'{"code":0}', ""), (201, b"", ""), (302, b"", "")]),
    st.builds(_refusal, st.just(400), st.sampled_from([*_UNPROVEN_CODES, -9, 12345, 999_999])),
    st.builds(_refusal, st.just(400), st.sampled_from([30004, 12345]), st.just("is being processed, query later")),
    st.tuples(st.sampled_from([403, 429]), st.sampled_from([b"", b"<html>", b'{"code":429}']), _RETRY_AFTER),
    st.builds(_refusal, st.just(400), st.sampled_from([429, 510]), retry_after=_RETRY_AFTER),
    st.tuples(st.just(418), st.just(b'{"code":418}'), st.sampled_from(["1", "3", "0.5"])),
    st.tuples(
        st.sampled_from([400, 404, 405, 408, 409, 451]), st.sampled_from([b"", b"{}", b"[]", b"\xff"]), st.just("")
    ),
    st.builds(_refusal, st.integers(500, 599), st.sampled_from([30004, 700003, 602])),
)
"""Answers behind which there may be an order."""
PROOFS: Final[st.SearchStrategy[Lie]] = st.one_of(
    st.builds(_refusal, st.just(400), st.sampled_from(_PROVING_CODES)),
    st.just(_refusal(400, 30010, "order price cannot exceed 1.02USDT")),
    st.just(_refusal(400, 30002, "volume cannot be less than：5USDT")),
    st.builds(_refusal, st.sampled_from([400, 401]), st.sampled_from(_STOPPING_CODES)),
)
"""Answers behind which there is none."""

_SHOWN: Final = st.sampled_from(
    [
        *[frozenset[Way]()] * 5,
        frozenset({Way.CLIENT_ID}),
        frozenset({Way.CLIENT_ID, Way.EXCHANGE_ID}),
        frozenset({Way.CLIENT_ID, Way.EXCHANGE_ID, Way.ALL_ORDERS}),
        frozenset({Way.OPEN_ORDERS, Way.ALL_ORDERS, Way.TRADES}),
        frozenset({Way.TRADES}),
        ONLY_TRADES,
    ]
)
_TAKEN: Final = {
    "arrives_after": st.sampled_from([0.02, 0.02, 0.3, 1.2]),
    "answered_after": st.sampled_from([0.02, 0.02, 0.5, 3]),
    "fill": st.sampled_from(["all", "all", "all", "part", "none", "rest"]),
    "fee_in": st.sampled_from(["quote", "quote", "base", "MX", "mixed"]),
    "word": st.sampled_from(["", "", "", "EXPIRED"]),
    "hidden_seconds": st.sampled_from([0.0, 0.0, 0.5, 2.0]),
    "hidden_by": _SHOWN,
}
FATES: Final[st.SearchStrategy[Fate]] = st.one_of(
    st.just(HONEST),
    st.just(HONEST),
    st.builds(Fate, **_TAKEN),
    *[st.builds(Fate, lie=WITHOUT_PROOF, **_TAKEN)] * 2,
    st.builds(Fate, lie=WITHOUT_PROOF, is_taken=st.just(value=False)),
    st.builds(Fate, lie=PROOFS, is_taken=st.just(value=False)),
    st.sampled_from([Fate(cut=True), Fate(swallowed=True), Fate(answered_after=3), Fate(hidden_seconds=45.0)]),
)
