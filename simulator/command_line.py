"""The options of the simulator: every setting is one, `--symbols 500 --no-limits`."""

from collections.abc import Sequence

from pydantic import Field, ValidationError
from pydantic_settings import SettingsConfigDict

from simulator.settings import SimulatorSettings


class CommandLine(SimulatorSettings):
    model_config = SettingsConfigDict(cli_kebab_case=True, cli_implicit_flags=True)

    until_stdin_closes: bool = Field(False, description="end with the process that started this one")


class InvalidSettingError(Exception):
    """A setting is invalid; the message names its variable."""


def read(arguments: Sequence[str], program: str) -> CommandLine:
    """Return the settings of the environment, overridden by *arguments*. Raises InvalidSettingError.

    Ends the process for `--help`, and with exit code 2 for an option that does not exist.
    """
    try:
        return CommandLine(_cli_parse_args=list(arguments), _cli_prog_name=program)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False, include_input=False)
        names = ("_".join(str(part) for part in each["loc"]).upper() for each in details)
        messages = (f"SNIPER_SIMULATOR_{name}: {each['msg']}" for name, each in zip(names, details, strict=True))
        raise InvalidSettingError("; ".join(messages)) from None
