"""Signed endpoints of the listenKey, as functions from the exchange and the parameters to a body."""

from simulator.exchange import Exchange
from simulator.market.error_responses import LISTEN_KEY_UNKNOWN, LISTEN_KEYS_TOO_MANY, RefusedError
from simulator.rest.params import Params


def create_listen_key(exchange: Exchange, _: Params, now_ms: int) -> object:
    key = exchange.listen_keys.create(now_ms)
    if key is None:
        raise RefusedError(LISTEN_KEYS_TOO_MANY)
    return {"listenKey": key}


def list_listen_keys(exchange: Exchange, _: Params, now_ms: int) -> object:
    return {"listenKey": exchange.listen_keys.valid(now_ms)}


def keep_listen_key(exchange: Exchange, params: Params, now_ms: int) -> object:
    key = params.required("listenKey")
    if not exchange.listen_keys.keep_alive(key, now_ms):
        raise RefusedError(LISTEN_KEY_UNKNOWN)
    return {"listenKey": key}


def delete_listen_key(exchange: Exchange, params: Params, now_ms: int) -> object:
    key = params.required("listenKey")
    if not exchange.listen_keys.delete(key, now_ms):
        raise RefusedError(LISTEN_KEY_UNKNOWN)
    return {"listenKey": key}
