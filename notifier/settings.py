"""Settings of the notifier."""

import re
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, SkipValidation, ValidationInfo, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from notifier.rules import DEFAULT_RULES, QuietHours, Rules, parse_quiet_hours, parse_rules
from shared.setting_types import RestUrl
from shared.settings import PREFIX, Settings

TOKEN_CHARACTERS_MIN: Final = 12


def _zone(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("is no time zone that this machine knows, such as Europe/Berlin") from None


def _addresses(value: SecretStr) -> SecretStr:
    if value.get_secret_value().strip():
        # All processes validate these settings; only one with an address loads Apprise.
        from notifier.channel import addresses  # noqa: PLC0415

        addresses(value.get_secret_value())
    return value


def _user_ids(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    parts = value.replace(",", " ").split()
    if not all(part.isdecimal() for part in parts):
        raise ValueError("must be numeric user ids, separated by commas")
    return frozenset(int(part) for part in parts)


class NotifierSettings(Settings):
    """Addresses, rules and retries of notices."""

    model_config = SettingsConfigDict(env_prefix=f"{PREFIX}NOTIFIER_", arbitrary_types_allowed=True)

    urls: Annotated[SecretStr, AfterValidator(_addresses)] = SecretStr("")
    """Addresses in Apprise's form, such as ``tgram://token/chat``, separated by blanks or line breaks."""
    rules: Annotated[
        Rules,
        NoDecode,
        SkipValidation,
        BeforeValidator(lambda value: parse_rules(value) if isinstance(value, str) else value),
    ] = Field(default_factory=lambda: DEFAULT_RULES)
    """``listing=off health=error``: least severity (info, warning, error, off) per kind."""
    timezone: Annotated[ZoneInfo, NoDecode, BeforeValidator(_zone)] = ZoneInfo("UTC")
    """Of the quiet hours."""
    quiet_hours: Annotated[QuietHours | None, NoDecode] = None
    """``22:00-07:00``: only errors are sent then, and one summary afterwards."""
    merge_seconds: float = Field(default=2.0, ge=0, le=60)
    """Time the first notice waits for others to share its message."""
    throttle_seconds: float = Field(default=1.0, ge=0, le=60)
    """Least time between two messages to one address. Apprise's own are up to 5.5 s."""
    attempts_max: int = Field(default=6, ge=1, le=20)
    """Attempts per message and address; after a failure a single one, until one succeeds."""
    retry_seconds: float = Field(default=1.0, gt=0, le=60)
    """Back-off before the second attempt; doubled with each."""
    send_timeout_seconds: float = Field(default=15.0, gt=0, le=120)
    telegram_token: Annotated[SecretStr | None, AfterValidator(lambda token: token or None)] = None
    """Of the bot that takes commands; without it, or with an empty file of it, none are taken."""
    telegram_users: Annotated[frozenset[int], NoDecode, BeforeValidator(_user_ids)] = frozenset()
    """Numeric ids of users who may send commands."""
    telegram_url: RestUrl = "https://api.telegram.org"
    telegram_poll_seconds: int = Field(default=25, ge=1, le=50)
    """Duration of each long poll for commands."""

    @field_validator("quiet_hours", mode="before")
    @classmethod
    def _hours(cls, value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, str):
            return value
        return parse_quiet_hours(value, info.data.get("timezone", ZoneInfo("UTC")))

    @field_validator("telegram_users")
    @classmethod
    def _commands_need_users(cls, value: frozenset[int], info: ValidationInfo) -> frozenset[int]:
        if info.data.get("telegram_token") is not None and not value:
            raise ValueError("must name at least one user id: a bot answers whoever finds it")
        return value

    @property
    def secrets(self) -> frozenset[str]:
        """Return the words of the addresses that are as long as tokens: any of them may be one."""
        words = re.split(r"[\s/:@?&=#]+", self.urls.get_secret_value())
        return frozenset(word for word in words if len(word) >= TOKEN_CHARACTERS_MIN)

    @property
    def is_configured(self) -> bool:
        """Return whether there are addresses to notify, or a bot for commands."""
        return bool(self.urls.get_secret_value().strip()) or self.telegram_token is not None
