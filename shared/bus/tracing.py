"""Traces across processes: their context travels in the headers of messages (https://www.w3.org/TR/trace-context/).

Only the API of OpenTelemetry is needed here. Without an SDK, which `shared.process.trace_export` brings, no span is
made, and a context that another program began is handed on all the same.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from datetime import datetime
from typing import Final

from opentelemetry import context, trace
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.bus.port import Message

_PARENT: Final = "traceparent"
_PROPAGATOR: Final = TraceContextTextMapPropagator()
_TRACER: Final = trace.get_tracer("sniper")


def with_trace_context(message: Message) -> Message:
    """Return *message* with the context of the trace under way, if there is one, in its headers."""
    if not trace.get_current_span().get_span_context().is_valid:
        return message
    headers = dict(message.headers)
    _PROPAGATOR.inject(headers)
    return replace(message, headers=headers)


@contextmanager
def handling(queue: str, message: Message) -> Iterator[None]:
    """Let the block be a part of the trace that *message* brought; without one it is nothing to anybody."""
    if _PARENT not in message.headers:
        yield
        return
    token = context.attach(_PROPAGATOR.extract(message.headers))
    try:
        with _TRACER.start_as_current_span(f"process {queue}", kind=SpanKind.CONSUMER):
            yield
    finally:
        context.detach(token)


def sighting(source: str, observed_at: datetime) -> AbstractContextManager[object]:
    """Begin the trace of a listing at the moment at which *source* showed it, for the time of the block."""
    if not _is_recorded():
        return nullcontext()
    began = int(observed_at.timestamp() * 1_000_000_000)
    return _TRACER.start_as_current_span(
        "sighting", kind=SpanKind.PRODUCER, start_time=began, attributes={"sniper.source": source}
    )


def ordering(side: str, mode: str) -> AbstractContextManager[object]:
    """Let the block, which sends an order, be a part of the trace of its listing."""
    if not _is_recorded():
        return nullcontext()
    return _TRACER.start_as_current_span(
        "order", kind=SpanKind.CLIENT, attributes={"sniper.side": side, "sniper.mode": mode}
    )


def _is_recorded() -> bool:
    """Return whether an SDK makes spans. Without one, what would become of them costs an order a tenth of its way."""
    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)
