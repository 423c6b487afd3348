"""No setting repeats its value in the error that refuses it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from api.settings import ApiSettings
from cli.composing.express.settings import ExpressSettings
from dedup.settings import DedupSettings
from executor.settings import ExecutorSettings
from ingest.settings import IngestSettings
from notifier.settings import NotifierSettings
from persister.settings import PersisterSettings
from shared.errors import SettingsError
from shared.settings import (
    BrokerSettings,
    DatabaseSettings,
    DataSettings,
    ExchangeSettings,
    Settings,
    TelemetrySettings,
    load,
)

CANARY: Final = "c4n4ry"
EVERY: Final[tuple[type[Settings], ...]] = (
    *(ApiSettings, BrokerSettings, DataSettings, DatabaseSettings, DedupSettings, ExchangeSettings, ExecutorSettings),
    *(ExpressSettings, IngestSettings, NotifierSettings, PersisterSettings, TelemetrySettings),
)
FORMS: Final = (
    *(
        "{}",
        "{}://{}",
        "{}={}",
        "listing={}",
        "(?P={})",
        "[{}",
        '["{}"]',
        '{{"{}": 1}}',
        "1{}",
        "{},1",
        "https://{}:{}",
    ),
    *("22:00-{}", "2026-{}-01", "{}/{}", "postgresql://{}:{}@h/d?{}={}", "\N{ARABIC-INDIC DIGIT ONE}{}"),
)


def refusals(settings: type[Settings], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Yield the error for each form of each field of *settings* that is refused."""
    prefix = settings.model_config.get("env_prefix") or ""
    for name in settings.model_fields:
        for form in FORMS:
            with monkeypatch.context() as patched:
                patched.setenv(f"{prefix}{name}".upper(), form.format(*[CANARY] * 4))
                try:
                    load(settings)
                except SettingsError as error:
                    yield str(error)


@pytest.mark.parametrize("settings", EVERY, ids=lambda each: each.__name__)
def test_no_value_is_shown_whatever_is_wrong_with_it(
    settings: type[Settings], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.environ", {})

    refused = list(refusals(settings, monkeypatch))

    assert refused or settings is DataSettings  # Every text is a path.
    assert [each for each in refused if CANARY in each] == []
