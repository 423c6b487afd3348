"""What faults make of an answer."""

from dataclasses import dataclass, replace

import msgspec

from simulator.refusals import Refusal
from simulator.reply import Reply


@dataclass(frozen=True, slots=True)
class Options:
    """What can be said of a fault; each row names those it reads."""

    seconds: float = 1.0
    status: int = 503
    accept: bool = False
    code: int = 30016
    message: str = "Trading disabled"
    retry_after: int | None = None
    fraction: float = 0.1
    extra: int = 100
    size_bytes: int = 2 * 1024 * 1024


def status(options: Options, reply: Reply) -> Reply:
    body = msgspec.json.encode({"code": options.status, "msg": "simulated failure"})
    return replace(reply, status=options.status, body=body, retry_after_seconds=options.retry_after)


def redirect(options: Options, reply: Reply) -> Reply:
    return replace(reply, status=options.status, body=b"", redirects=True)


def api_error(options: Options, reply: Reply) -> Reply:
    refused = Reply.refusing(Refusal(options.code, options.message))
    return replace(reply, status=refused.status, body=refused.body)


def keep_fraction(options: Options, reply: Reply) -> Reply:
    info = msgspec.json.decode(reply.body, type=dict[str, object])
    symbols = info.get("symbols")
    if isinstance(symbols, list):
        info["symbols"] = symbols[: int(len(symbols) * options.fraction)]
    return replace(reply, body=msgspec.json.encode(info))


def swell(options: Options, reply: Reply) -> Reply:
    info = msgspec.json.decode(reply.body, type=dict[str, object])
    symbols = info.get("symbols")
    if isinstance(symbols, list) and symbols:
        names = [f"GHOST{number}" for number in range(options.extra)]
        symbols += [symbols[0] | {"symbol": f"{name}USDT", "baseAsset": name} for name in names]
    return replace(reply, body=msgspec.json.encode(info))


def html(_: Options, reply: Reply) -> Reply:
    page = b"<html><head><title>Access Denied</title></head><body>Reference #18.2d3e</body></html>"
    return replace(reply, body=page, content_type="text/html")
