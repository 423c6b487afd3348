"""Every page that follows from the code, by its path in the tree."""

from collections.abc import Mapping
from pathlib import Path

from reference.commands import commands_page
from reference.configuration import configuration_page
from reference.rest import rest_page


def generated(root: Path) -> Mapping[str, str]:
    """Return the text of each page; what settings mean is told on pages that people wrote, below *root*."""
    return {
        "docs/commands.md": commands_page(),
        "docs/configuration.md": configuration_page(root),
        "docs/rest.md": rest_page(),
    }
