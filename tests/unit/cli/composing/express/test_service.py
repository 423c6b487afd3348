"""The way is rehearsed with a coin of a quote asset that is bought with."""

from pathlib import Path

import pytest

from cli.composing.express.rehearsal import Rehearsal
from cli.composing.express.service import ExpressTerms, rehearsal_of
from cli.composing.express.settings import ExpressSettings
from executor.settings import ExecutorSettings, ExitSeeds
from ingest.settings import IngestSettings
from shared.settings import load


@pytest.mark.parametrize(
    ("quote_assets", "rehearsed"),
    [("USDT,USDC", Rehearsal(0.1, "USDC")), (",", None)],
    ids=["those that are bought with", "none, which watches positions alone"],
)
def test_it_is_rehearsed_where_anything_is_bought(
    monkeypatch: pytest.MonkeyPatch, quote_assets: str, rehearsed: Rehearsal | None
) -> None:
    monkeypatch.setenv("SNIPER_EXECUTOR_QUOTE_ASSETS", quote_assets)
    terms = ExpressTerms(load(IngestSettings), load(ExecutorSettings), load(ExitSeeds), Path(), load(ExpressSettings))

    assert rehearsal_of(terms) == rehearsed
