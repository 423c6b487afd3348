import asyncio
import traceback
from decimal import Decimal

import pytest

from shared.events import Side
from shared.mexc.errors import OutcomeUnknown
from shared.mexc.http.connection import Endpoint
from shared.mexc.orders.order_api import MexcTrading, OrderRequest
from shared.mexc.orders.order_connection import OrderLine
from tests.support.fakes.loopback import Behaviour, answering, resetting, serving

KEY, SECRET = "mx0-canary-key", "canary-secret"
ORDER = OrderRequest(
    symbol="NEWUSDT", side=Side.BUY, type="MARKET", client_order_id="abc-1", quote_order_qty=Decimal("12.50")
)


async def echo(writer: asyncio.StreamWriter) -> None:
    writer.write(f"ERROR X-MEXC-APIKEY: {KEY} {SECRET}\r\n\r\n".encode())


@pytest.mark.parametrize("behave", [resetting, echo, answering(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n")])
async def test_secrets_stay_out_of_representations_errors_and_logs(
    behave: Behaviour, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(behave) as server, OrderLine(Endpoint.of(server.url)) as line:
        trading = MexcTrading(line, api_key=KEY, api_secret=SECRET)
        with pytest.raises(OutcomeUnknown) as unknown:
            await trading.test_order(ORDER, now_ms=1_700_000_000_000)
        assert KEY in server.requests[0]

    written = "".join(traceback.format_exception(unknown.value))
    for shown in (repr(trading), str(trading), repr(unknown.value), written, *capfd.readouterr(), caplog.text):
        assert KEY not in shown
        assert SECRET not in shown
        assert "signature=" not in shown
