from shared.mexc.weights import HEAVIEST, ORDER, Cost, Pool, cost_of, weight_of
from simulator.rest.endpoints import ENDPOINTS


def test_every_endpoint_weighs_what_the_exchange_counts() -> None:
    known = {
        (each.method, each.path): (cost_of(each.method, each.path), each.signed, each.counts_as_order)
        for each in ENDPOINTS
    }

    for endpoint in ENDPOINTS:
        cost, signed, is_order = known[endpoint.method, endpoint.path]
        assert cost == Cost(Pool.KEY if signed else Pool.ADDRESS, endpoint.weight, is_order), endpoint.path


def test_what_no_table_knows_counts_as_the_heaviest() -> None:
    assert weight_of("/api/v3/unheard-of") == HEAVIEST


def test_an_order_counts_as_one() -> None:
    assert Cost(Pool.KEY, 1, is_order=True) == ORDER
