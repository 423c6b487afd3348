"""Whatever is sent, the API keeps what its OpenAPI document says: every operation there is, and every one to come."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import pytest
import requests
import schemathesis
from anyio.from_thread import start_blocking_portal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from api.access.principal import Scope
from tests.servers.databases import PostgresServer
from tests.support.data.rows import store
from tests.support.running.api_document import Operation, document, operations_of
from tests.support.running.serving_api import ServedApi, serving_api

STREAM: Final = "text/event-stream"
STORED: Final = frozenset({"listings", "trades", "orders", "positions", "bot_health", "trade_config_audit", "halts"})
KNOWN: Final[Mapping[str, Any]] = MappingProxyType(
    {"symbol": "ABCUSDT", "client_order_id": "sniper-ABCUSDT-1", "position_id": 1}
)
"""A value of each parameter in a path under which something is stored: a new one must be given here."""
WITHOUT: Final = {"GET /health/live", "GET /health/ready", "POST /session"}
"""All of the document that is served without a token."""
CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
TAKEN: Final = {"POST /halt", "POST /halt-and-close"}
"""What halts is not refused for the form of its body."""
CHECKS_OF_WHAT_IS_TAKEN: Final = [check for check in CHECKS if check is not negative_data_rejection]
"""Or the path was what did not fit, before it was given the name of something stored."""

DESCRIBED: Final = document()
SCHEMA: Final = schemathesis.openapi.from_dict(dict(DESCRIBED), config=schemathesis.Config())
OPERATIONS: Final = operations_of(DESCRIBED)


@dataclass(frozen=True, slots=True)
class Served:
    """An API that answers in a thread of its own."""

    url: str
    token: str

    def session(self) -> requests.Session:
        """Return a client that takes nothing from its surroundings."""
        client = requests.Session()
        client.trust_env = False
        return client


@pytest.fixture(scope="module")
def served(postgres_server: PostgresServer) -> Iterator[Served]:
    """Serve one API for the module, on rows of every kind."""
    url = postgres_server.create_migrated_database()
    limits = {"requests_per_minute": 1_000_000, "failures_per_minute": 10_000}
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(serving_api(url, **limits)) as api:
        portal.call(_fill, api)
        yield Served(str(api.client.base_url), portal.call(api.make_token, "described", Scope.OPERATE))
    postgres_server.drop_database(url)


async def _fill(api: ServedApi) -> None:
    async with api.database.engine.begin() as connection:
        for table in sorted(STORED):
            await store(connection, table)


@dataclass(frozen=True, slots=True)
class Choice:
    """What a case has instead of what was made up for it."""

    is_known: bool
    """Whether it names something that is stored, and the version that is there."""
    accept: str


def cases_of(operation: Operation) -> st.SearchStrategy[tuple[Case[Any], Choice]]:
    """Return requests that fit the document and requests that do not, some of them for what is stored."""
    described = SCHEMA[operation.path][operation.method]
    made = described.as_strategy(GenerationMode.POSITIVE)
    spec = DESCRIBED["paths"][operation.path][operation.method.lower()]
    if "parameters" in spec or "requestBody" in spec:
        made |= described.as_strategy(GenerationMode.NEGATIVE)
    answers = [media for answer in spec["responses"].values() for media in answer.get("content", {})]
    return st.tuples(made, st.builds(Choice, st.booleans(), st.sampled_from(["*/*", *sorted(set(answers))])))


BOUNDED: Final = settings(max_examples=10, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
"""The same requests in every run."""
FEW: Final = settings(BOUNDED, max_examples=4)
each_operation: Final = pytest.mark.parametrize("operation", OPERATIONS, ids=str)


def test_something_is_stored_for_every_parameter_of_a_path() -> None:
    named = {name for operation in OPERATIONS for name in re.findall(r"{(\w+)}", operation.path)}

    assert named <= KNOWN.keys()


@each_operation
def test_every_answer_is_a_documented_one(served: Served, operation: Operation) -> None:
    with served.session() as session:

        @BOUNDED
        @given(cases_of(operation))
        def answers_as_documented(drawn: tuple[Case[Any], Choice]) -> None:
            case, choice = drawn
            if choice.is_known:
                _name_what_is_stored(case, session, served)
            headers = {"Authorization": f"Bearer {served.token}", "Accept": choice.accept}
            with send(case, session, served, headers) as response:
                if response.headers.get("content-type", "").startswith(STREAM):
                    assert str(response.status_code) in case.operation.definition.raw["responses"]
                else:
                    is_taken = (choice.is_known and bool(case.path_parameters)) or str(operation) in TAKEN
                    case.validate_response(response, checks=CHECKS if not is_taken else CHECKS_OF_WHAT_IS_TAKEN)

        answers_as_documented()


@each_operation
def test_without_a_token_nothing_is_answered_but_what_is_named(served: Served, operation: Operation) -> None:
    with served.session() as session:

        @FEW
        @given(cases_of(operation))
        def is_refused(drawn: tuple[Case[Any], Choice]) -> None:
            case, choice = drawn
            with send(case, session, served, {"Accept": choice.accept}) as response:
                if str(operation) in WITHOUT:
                    case.validate_response(response, checks=CHECKS)
                else:
                    assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")

        is_refused()


def send(case: Case[Any], session: requests.Session, served: Served, headers: Mapping[str, str]) -> requests.Response:
    """Send *case*; of a stream only the head is read."""
    request = case.as_transport_kwargs(base_url=served.url, headers=dict(headers))
    is_stream = STREAM in case.operation.definition.raw["responses"].get("200", {}).get("content", {})
    return session.request(**request, timeout=15, stream=is_stream, allow_redirects=False)


def _name_what_is_stored(case: Case[Any], session: requests.Session, served: Served) -> None:
    for name in case.path_parameters:
        case.path_parameters[name] = KNOWN[name]
    if "if-match" in {header.lower() for header in case.headers}:
        config = session.get(f"{served.url}/config", headers={"Authorization": f"Bearer {served.token}"}, timeout=15)
        case.headers["If-Match"] = config.headers["ETag"]
