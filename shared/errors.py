"""Root errors, by what the bus does about them: retry, dead-letter or exit."""


class SniperError(Exception):
    """Root of our own errors; the class docstring is the default message."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or type(self).__name__))


class TransientError(SniperError):
    """Something we depend on is away: keep the message and try again."""


class SchemaError(TransientError):
    """The tables are not those of this build, any more or yet."""


class PermanentError(SniperError):
    """Trying again cannot help: the message goes to the dead letters."""


class SettingsError(SniperError):
    """A setting is missing or wrong; the process ends with exit code 2."""
