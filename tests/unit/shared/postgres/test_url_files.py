"""Files that a PostgreSQL URL names."""

from pathlib import Path
from urllib.parse import quote

import pytest

from shared.errors import SettingsError
from shared.postgres.url import parse_url
from shared.postgres.url_files import require_files
from tests.support.fakes.certificates import self_signed


def check(query: str) -> None:
    require_files(parse_url(f"postgresql://u@host/db?{query}", variable="x"))


@pytest.mark.parametrize("name", ["sslrootcert", "sslcrl", "sslcert", "sslkey", "passfile"])
def test_a_file_that_is_not_there_is_named_with_its_parameter(name: str, tmp_path: Path) -> None:
    path = tmp_path / "gone.pem"

    with pytest.raises(SettingsError) as refused:
        check(f"{name}={quote(str(path))}")

    assert str(refused.value) == f"SNIPER_DATABASE_URL: {name}: {path}: cannot be read: No such file or directory"


@pytest.mark.parametrize("name", ["sslrootcert", "sslcert"])
def test_a_file_that_holds_no_certificate_is_named(name: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.pem"
    path.write_text("no certificate")

    with pytest.raises(SettingsError, match=f"^SNIPER_DATABASE_URL: {name}: {path}: cannot be used: "):
        check(f"sslmode=verify-full&{name}={quote(str(path))}")


def test_certificates_that_can_be_used_are_accepted(tmp_path: Path) -> None:
    path = quote(str(self_signed(tmp_path)))

    check(f"sslmode=verify-full&sslrootcert={path}&sslcert={path}&sslkey={path}")


def test_files_of_an_encryption_that_is_off_are_not_looked_at() -> None:
    check("sslmode=disable&sslrootcert=/gone")
