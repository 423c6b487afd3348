"""The options of the simulator: every setting is one, `--symbols 500 --no-limits`."""

from collections.abc import Sequence

from pydantic import Field, ValidationError
from pydantic_settings import SettingsConfigDict

from simulator.settings import SimulatorSettings


class CommandLine(SimulatorSettings):
    model_config = SettingsConfigDict(cli_kebab_case=True, cli_implicit_flags=True)

    until_stdin_closes: bool = Field(False, description="end with the process that started this one")


class InvalidError(Exception):
    """A setting cannot be; the message names the variables."""


def read(arguments: Sequence[str], program: str) -> CommandLine:
    """The settings of the environment and *arguments*, which count for more. Raises InvalidError.

    Ends the process for `--help`, and with exit code 2 for an option that does not exist.
    """
    try:
        return CommandLine(_cli_parse_args=list(arguments), _cli_prog_name=program)
    except ValidationError as error:
        raise InvalidError("; ".join(_complaints(error))) from None


def _complaints(error: ValidationError) -> list[str]:
    return [
        f"SNIPER_SIMULATOR_{'_'.join(str(part) for part in each['loc']).upper()}: {each['msg']}"
        for each in error.errors(include_url=False, include_context=False, include_input=False)
    ]
