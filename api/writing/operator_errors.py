"""Mapping of refused operator decisions to API errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from api import error_handlers
from api.error_handlers import ApiError
from api.operator import config_tag
from api.operator.held_positions import EndedPositionError, NoSuchPositionError
from api.operator.operator_changes import RefusedChangeError
from api.operator.settle_requests import NotInDoubtError, UnclearOutcomeError
from api.operator.trade_config import StaleConfigError
from api.schemas import Problem

Responses = dict[int | str, dict[str, Any]]
NOT_FOUND: Final[Responses] = {404: {"model": Problem, "description": "There is none"}}
CONFLICT: Final[Responses] = {409: {"model": Problem, "description": "There is nothing to decide about it"}}
PRECONDITION: Final[Responses] = {
    412: {"model": Problem, "description": "It was changed since the version that If-Match names"},
    428: {"model": Problem, "description": "If-Match is missing"},
}


@contextmanager
def answer_operator_errors() -> Iterator[None]:
    """Translate refusals raised in the block into API errors."""
    try:
        yield
    except RefusedChangeError as error:
        raise error_handlers.invalid_fields(
            [(field or "body", message) for field, message in error.field_errors]
        ) from None
    except UnclearOutcomeError as error:
        raise error_handlers.invalid_fields([(error.field, str(error))]) from None
    except StaleConfigError as error:
        headers = {"ETag": config_tag.etag_of(error.current)}
        details: Any = {"current": error.current.model_dump(mode="json")}
        raise ApiError(412, "stale", str(error), details=details, headers=headers) from None
    except NoSuchPositionError as error:
        raise ApiError(404, "not_found", str(error)) from None
    except (NotInDoubtError, EndedPositionError) as error:
        raise ApiError(409, "nothing_to_decide", str(error)) from None
