"""The context of a trace goes with messages, and where there is none, nothing does."""

import sys
from contextlib import nullcontext

import pytest
from opentelemetry import trace

from shared.bus import tracing
from shared.bus.port import Message
from shared.errors import SettingsError
from shared.process.trace_export import exporting
from shared.settings import TelemetrySettings
from tests.support.data.builders import NOON

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"
SILENT = Message("events", "a", b"", "id-1")
TRACED = Message("events", "a", b"", "id-2", headers={"traceparent": PARENT, "other": "kept"})


def test_without_a_trace_a_message_stays_as_it_is() -> None:
    with tracing.handling("queue", SILENT):
        assert tracing.with_trace_context(SILENT) is SILENT


def test_a_trace_goes_on_in_what_is_published_while_its_message_is_handled() -> None:
    """Also without an SDK, for the service that began the trace has one."""
    with tracing.handling("queue", TRACED):
        sent = tracing.with_trace_context(Message("events", "b", b"", "id-3", headers={"own": "1"}))

    assert sent.headers["traceparent"].split("-")[1] == TRACE
    assert sent.headers["own"] == "1"
    assert not trace.get_current_span().get_span_context().is_valid


@pytest.mark.parametrize("parent", ["", "nonsense", "00-0-0-00", f"00-{'0' * 32}-{'0' * 16}-01", "x" * 5000])
def test_a_context_that_cannot_be_read_begins_no_trace(parent: str) -> None:
    with tracing.handling("queue", Message("events", "a", b"", "id-1", headers={"traceparent": parent})):
        assert tracing.with_trace_context(SILENT) is SILENT


def test_without_an_sdk_neither_a_sighting_nor_an_order_takes_time_for_a_span() -> None:
    assert isinstance(tracing.sighting("mexc_websocket", NOON), nullcontext)
    assert isinstance(tracing.ordering("BUY", "live"), nullcontext)


async def test_an_endpoint_without_the_extra_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace.export", None)
    settings = TelemetrySettings(otlp_endpoint="http://127.0.0.1:4318")

    with pytest.raises(SettingsError, match=r"SNIPER_OTLP_ENDPOINT: needs the extra \[otel\]"):
        async with exporting(settings, "dedup"):
            pass
