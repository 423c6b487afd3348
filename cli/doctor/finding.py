"""A finding: one line about one thing, and what to do where it is not well."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict

from shared.process.lifecycle import EXIT_FAILURE, EXIT_SETTINGS


class Verdict(StrEnum):
    WELL = "well"
    NOTE = "note"
    """Nothing is wrong, and something is worth knowing: it does not apply, or cannot be told from here."""
    WRONG = "wrong"
    SETTING = "setting"
    """A setting is wrong: no restart and no waiting mends it."""


class Finding(BaseModel):
    """What was found of one thing."""

    model_config = ConfigDict(frozen=True)

    part: str
    verdict: Verdict
    told: str
    advice: str = ""
    """What to do; empty where there is nothing to be done, or what is told says it."""


def well(part: str, told: str) -> Finding:
    return Finding(part=part, verdict=Verdict.WELL, told=told)


def note(part: str, told: str, advice: str = "") -> Finding:
    return Finding(part=part, verdict=Verdict.NOTE, told=told, advice=advice)


def wrong(part: str, told: str, advice: str = "") -> Finding:
    return Finding(part=part, verdict=Verdict.WRONG, told=told, advice=advice)


def setting(part: str, told: str, advice: str = "") -> Finding:
    return Finding(part=part, verdict=Verdict.SETTING, told=told, advice=advice)


def unseen(parts: Iterable[str], because: str) -> list[Finding]:
    """Return a note for each of *parts* that could not be looked at, *because* of what another line tells."""
    return [note(part, f"not looked at: {because}") for part in parts]


_CODES: Final = {Verdict.WELL: 0, Verdict.NOTE: 0, Verdict.WRONG: EXIT_FAILURE, Verdict.SETTING: EXIT_SETTINGS}


def exit_code(findings: Iterable[Finding]) -> int:
    """Return 0 where all is well, 1 where something is wrong, 2 where a setting is."""
    return max((_CODES[each.verdict] for each in findings), default=0)
