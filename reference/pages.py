"""Generated pages and the API's OpenAPI document, by their paths in the repository."""

import json
from collections.abc import Mapping
from pathlib import Path

from reference.commands import commands_page
from reference.configuration import configuration_page
from reference.rest import document, rest_page


def generated(root: Path) -> Mapping[str, str]:
    """Return the text of each; descriptions of settings come from the other pages below *root*."""
    return {
        "docs/commands.md": commands_page(),
        "docs/configuration.md": configuration_page(root),
        "docs/rest.md": rest_page(),
        "api/openapi.json": json.dumps(document(), indent=1, ensure_ascii=False) + "\n",
    }
