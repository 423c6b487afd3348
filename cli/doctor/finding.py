"""Findings of `sniper doctor`: one line per part, with advice."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict

from shared.process.lifecycle import EXIT_FAILURE, EXIT_SETTINGS


class Verdict(StrEnum):
    WELL = "well"
    NOTE = "note"
    """Worth knowing, but not wrong: it does not apply, or cannot be checked from here."""
    WRONG = "wrong"
    SETTING = "setting"
    """A setting is wrong: neither a restart nor a retry helps."""


class Finding(BaseModel):
    """The result of one check."""

    model_config = ConfigDict(frozen=True)

    part: str
    verdict: Verdict
    told: str
    advice: str = ""
    """Remedy; empty where none is needed, or the text above includes it."""


def well(part: str, told: str) -> Finding:
    return Finding(part=part, verdict=Verdict.WELL, told=told)


def note(part: str, told: str, advice: str = "") -> Finding:
    return Finding(part=part, verdict=Verdict.NOTE, told=told, advice=advice)


def wrong(part: str, told: str, advice: str = "") -> Finding:
    return Finding(part=part, verdict=Verdict.WRONG, told=told, advice=advice)


def setting(part: str, told: str, advice: str = "") -> Finding:
    return Finding(part=part, verdict=Verdict.SETTING, told=told, advice=advice)


def not_examined(parts: Iterable[str], because: str) -> list[Finding]:
    """Return a note for each of *parts* that was not checked, *because* of another finding."""
    return [note(part, f"not looked at: {because}") for part in parts]


_CODES: Final = {Verdict.WELL: 0, Verdict.NOTE: 0, Verdict.WRONG: EXIT_FAILURE, Verdict.SETTING: EXIT_SETTINGS}


def exit_code(findings: Iterable[Finding]) -> int:
    """Return 0 if all is well, 1 if something is wrong, 2 if a setting is."""
    return max((_CODES[each.verdict] for each in findings), default=0)
