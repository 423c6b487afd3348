"""Sources of settings: the environment without Kubernetes' service links, and files that are unreadable."""

import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource

_ADDRESS: Final = re.compile(r"(tcp|udp|sctp)://\S+:\d+")
_LINK: Final = re.compile(r"\w+_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)")
UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")


def is_service_link(name: str, value: str) -> bool:
    """Return whether the variable is Kubernetes' link to a service of the namespace."""
    name = name.upper()
    return bool(_LINK.fullmatch(name) or (name.endswith("_PORT") and _ADDRESS.fullmatch(value)))


class Environment(EnvSettingsSource):
    """Environment of the process without Kubernetes' service links."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the value set for *field*, or None."""
        value, key, is_complex = super().get_field_value(field, field_name)
        prefix = self.config.get("env_prefix") or ""
        if isinstance(value, str) and is_service_link(f"{prefix}{field_name}", value):
            value = None
        return value, key, is_complex


def unreadable_sources(settings: type[BaseSettings]) -> Iterator[str]:
    """Yield a sentence for each existing source of *settings* that is unreadable."""
    config = settings.model_config
    names = {f"{config.get('env_prefix') or ''}{field}".upper() for field in settings.model_fields}
    for name, value in os.environ.items():
        if name.upper() in names and not _is_text(value):
            yield f"{name.upper()}: is not UTF-8"
    env_file, secrets = config.get("env_file"), config.get("secrets_dir")
    files = [Path(env_file)] if isinstance(env_file, str | Path) else []
    if isinstance(secrets, str | Path):
        files += _secrets(Path(secrets), names)
    yield from filter(None, map(_objection, files))


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # Undecodable bytes, kept as surrogates.
        return False
    return True


def _secrets(directory: Path, names: Iterable[str]) -> list[Path]:
    try:
        return sorted(path for path in directory.iterdir() if path.name.upper() in names)
    except OSError:
        return [directory]


def _objection(path: Path) -> str | None:
    """Return why *path* is unreadable as text; None where it is readable or missing."""
    path = path.absolute()
    try:
        content = _content(path)
        content.decode()
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        kind = "UTF-16" if error.object.startswith(UTF_16) else f"something else in line {line}"
        return f"{path}: must be UTF-8 and is {kind}: save it as UTF-8"
    except FileNotFoundError:
        return f"{path}: leads to a file that is not there" if path.is_symlink() else None
    except OSError as error:
        return f"{path}: cannot be read: {error.strerror}"
    return f"{path}: holds a NUL byte, as UTF-16 does: save it as UTF-8" if b"\0" in content else None


def _content(path: Path) -> bytes:
    mode = path.stat().st_mode
    if stat.S_ISCHR(mode):
        return b""  # /dev/null, the usual way to have none.
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise OSError(0, "it is no file")
    return path.read_bytes()
