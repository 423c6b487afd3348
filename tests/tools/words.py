"""Check the wording of docstrings and comments, and the first word of module summaries.

`python -m tests.tools.words [PATH ...]` prints each finding as file:line: words -> suggestion, and exits 1 on any.
"""

import argparse
import ast
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from tests.tools.measures import has_wh_summary
from tests.tools.sources import PACKAGES, Module, SourceError, modules_in, prose_of

SUMMARY: Final = "start the summary with a noun or an imperative"
BANNED: Final[Mapping[str, str]] = MappingProxyType(
    {
        r"tells?|told|telling": "name the act: report, return, publish, notify, log",
        r"whoever|nobody|somebody": "name the caller, the consumer or the service",
        r"(?:is|are|was|were) asked": "name the request: is requested, is polled, is queried",
        r"sa(?:y|ys|id|ying) goodbye": "report the shutdown",
        r"left in the dark": "not notified",
        r"behind the back of": "off the hot path of, without the knowledge of",
    }
)
"""Regular expressions of whole words, and a suggestion for each; a space stands for any white space."""


def _whole_words(words: str) -> re.Pattern[str]:
    spaced = words.replace(" ", r"\s+")
    return re.compile(rf"\b(?:{spaced})\b", re.IGNORECASE)


_PATTERNS: Final = tuple((_whole_words(words), suggestion) for words, suggestion in BANNED.items())


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Words that do not belong in prose, and a suggestion."""

    file: str
    line: int
    words: str
    suggestion: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.words} -> {self.suggestion}"


def findings_in(module: Module) -> Sequence[Finding]:
    """Return the findings of *module* in the order of their lines."""
    return sorted((*_summary(module), *_banned(module)))


def _summary(module: Module) -> Iterator[Finding]:
    if has_wh_summary(module.tree):
        words = (ast.get_docstring(module.tree) or "").split(maxsplit=1)[0]
        yield Finding(module.path.as_posix(), module.tree.body[0].lineno, words, SUMMARY)


def _banned(module: Module) -> Iterator[Finding]:
    for prose in prose_of(module):
        for pattern, suggestion in _PATTERNS:
            for match in pattern.finditer(prose.text):
                line = prose.line + prose.text.count("\n", 0, match.start())
                yield Finding(module.path.as_posix(), line, " ".join(match.group().split()), suggestion)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.words", description=__doc__)
    parser.add_argument("paths", nargs="*", metavar="PATH", help="packages, folders or files; all packages by default")
    given = parser.parse_args(arguments)
    try:
        found = [finding for module in modules_in(given.paths or PACKAGES) for finding in findings_in(module)]
    except SourceError as error:
        parser.error(str(error))
    print("\n".join(map(str, found)) or "Docstrings and comments are in the field's words.")  # noqa: T201 - its output
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
