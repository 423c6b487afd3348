"""Export of traces to a collector, over OTLP/HTTP. Only this needs the extra [otel], and is imported on demand."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from opentelemetry import trace

from shared.errors import SettingsError
from shared.settings import TelemetrySettings

FLUSH_SECONDS = 2.0


@asynccontextmanager
async def exporting(settings: TelemetrySettings, service: str) -> AsyncIterator[None]:
    """Export the spans of this process, named *service*, from a thread of their own; nothing without an endpoint.

    Raises SettingsError where there is an endpoint and no SDK.
    """
    if settings.otlp_endpoint is None:
        yield
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ModuleNotFoundError:
        raise SettingsError("SNIPER_OTLP_ENDPOINT: needs the extra [otel], which is not installed here") from None
    provider = TracerProvider(resource=Resource.create({"service.name": f"sniper-{service}"}))
    exporter = OTLPSpanExporter(f"{settings.otlp_endpoint.rstrip('/')}/v1/traces", timeout=FLUSH_SECONDS)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1000))
    trace.set_tracer_provider(provider)
    try:
        yield
    finally:
        await asyncio.to_thread(provider.shutdown)
