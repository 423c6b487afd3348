"""Route to settle orders with an unknown outcome."""

from decimal import Decimal
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from api.access.dependencies import operate
from api.access.middleware.request_id import request_id
from api.access.principal import Principal
from api.app_state import SharedState
from api.operator import settle_requests
from api.operator.settle_requests import Outcome
from api.schemas import Answer
from api.writing.operator_errors import CONFLICT, answer_operator_errors

router = APIRouter(tags=["orders"])

Positive = Annotated[Decimal, Field(gt=0, max_digits=40, allow_inf_nan=False)]


class SettleWanted(BaseModel):
    """Outcome of an order: `absent`, or filled quantity and cost."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    absent: bool = False
    """The order never took place."""
    base_qty: Positive | None = None
    cost: Positive | None = None
    fee: Annotated[Decimal, Field(ge=0, max_digits=40, allow_inf_nan=False)] | None = None
    fee_asset: Annotated[str, Field(max_length=40, pattern=r"^[^\x00]*$")] | None = None
    reason: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]

    @model_validator(mode="after")
    def require_one_outcome(self) -> Self:
        is_filled = self.base_qty is not None and self.cost is not None
        named = any(value is not None for value in (self.base_qty, self.cost, self.fee, self.fee_asset))
        if self.absent == is_filled or (self.absent and named):
            message = "absent: say either that it is, or base_qty and cost, and its fee where there was one"
            raise PydanticCustomError("contract_outcome", message)
        return self

    def outcome(self) -> Outcome | None:
        """Return the fill, None if there was none; raise UnclearOutcomeError."""
        if self.base_qty is None or self.cost is None:
            return None
        return Outcome(self.base_qty, self.cost, self.fee, self.fee_asset)


class SettleAsked(Answer):
    """An accepted request to record the outcome."""

    client_order_id: str
    order: str
    """Its side and symbol."""
    message: str
    """The consequence, for people."""


@router.post("/orders/{client_order_id}/settle", status_code=202, responses=CONFLICT)
async def post_settle(
    state: SharedState,
    principal: Annotated[Principal, Depends(operate)],
    request: Annotated[str, Depends(request_id)],
    client_order_id: Annotated[str, Path(max_length=32, pattern=r"^[^\x00]*$")],
    wanted: SettleWanted,
) -> SettleAsked:
    """Record the outcome of an order that the exchange does not report."""
    with answer_operator_errors():
        outcome = wanted.outcome()
        order = await settle_requests.request(
            state.runtime.database,
            client_order_id,
            outcome,
            reason=wanted.reason,
            requested_by=principal.audit_name,
            request_id=request,
        )
    message = settle_requests.request_message(client_order_id, order, outcome)
    return SettleAsked(client_order_id=client_order_id, order=order, message=message)
