"""`python -m reference`: write the generated pages."""

from pathlib import Path
from typing import Final

from reference.pages import generated

ROOT: Final = Path(__file__).parents[1]

if __name__ == "__main__":
    for name, text in generated(ROOT).items():
        (ROOT / name).write_text(text, encoding="utf-8")
