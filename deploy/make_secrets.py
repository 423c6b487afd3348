"""Make the secrets that compose.yaml mounts, all or none: `python3 deploy/make_secrets.py [DIRECTORY]`.

Each service gets a user of the broker and a role of the database, with a password of its own; `--broker` and
`--database` name other hosts than compose.yaml's, and with `--tls` both are spoken to encrypted, their certificates
checked. The exchange's keys are the simulator's, made today. Standard library only.
"""

import argparse
import json
import secrets
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rabbitmq.passwords import hashed

DEFINITIONS: Final = Path(__file__).parent / "rabbitmq" / "definitions.json"
SERVICES: Final = ("ingest", "dedup", "executor", "express", "persister", "api", "notifier")
BYTES: Final = 24
SALT_BYTES: Final = 4


def made(*, broker: str, database: str, tls: bool = False) -> Mapping[str, str]:
    """Return the content of each file for servers on these hosts; passwords are of 192 random bits."""
    scheme, port, checked = ("amqps", 5671, "?sslmode=verify-full") if tls else ("amqp", 5672, "")
    owner = secrets.token_urlsafe(BYTES)
    by_role = {service: secrets.token_urlsafe(BYTES) for service in SERVICES}
    by_user = {service: secrets.token_urlsafe(BYTES) for service in SERVICES}
    databases = {
        f"{service}_database_url": f"postgresql://sniper_{service}:{password}@{database}:5432/sniper{checked}"
        for service, password in by_role.items()
    }
    brokers = {
        f"{service}_broker_url": f"{scheme}://sniper-{service}:{password}@{broker}:{port}/"
        for service, password in by_user.items()
    }
    return {
        "postgres_password": owner,
        "migrate_database_url": f"postgresql://sniper:{owner}@{database}:5432/sniper{checked}",
        "postgres_roles.sql": _roles(by_role),
        "rabbitmq_definitions.json": _definitions(by_user),
        "grafana_password": secrets.token_urlsafe(BYTES),
        "sniper_mexc_api_key": "sim-key",
        "sniper_mexc_api_secret": "sim-secret",
        "sniper_mexc_api_key_created": f"{datetime.now(UTC).date()}",
        "sniper_notifier_urls": "",
        "sniper_notifier_telegram_token": "",
        **databases,
        **brokers,
    }


def _roles(passwords: Mapping[str, str]) -> str:
    """Return what PostgreSQL runs when it first starts; the rights are the migration's to give."""
    return "".join(f"CREATE ROLE sniper_{role} LOGIN PASSWORD '{word}';\n" for role, word in passwords.items())


def _definitions(passwords: Mapping[str, str]) -> str:
    """Return what RabbitMQ loads at each start; a user without a password cannot sign in."""
    definitions = json.loads(DEFINITIONS.read_text(encoding="utf-8"))
    for user in definitions["users"]:
        password = passwords.get(user["name"].removeprefix("sniper-"))
        if password is not None:
            user["password_hash"] = hashed(password, secrets.token_bytes(SALT_BYTES))
    return json.dumps(definitions, indent=2) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Write them, all or none; return the exit status."""
    parser = argparse.ArgumentParser(description="Make the passwords and addresses of every service, all or none.")
    parser.add_argument("directory", nargs="?", type=Path, default=Path(__file__).parent / "secrets")
    parser.add_argument("--broker", default="rabbitmq", metavar="HOST")
    parser.add_argument("--database", default="postgres", metavar="HOST")
    parser.add_argument("--tls", action="store_true", help="amqps:// on port 5671, and sslmode=verify-full")
    chosen = parser.parse_args(arguments)
    directory: Path = chosen.directory
    files = made(broker=chosen.broker, database=chosen.database, tls=chosen.tls)
    if existing := sorted(name for name in files if (directory / name).exists()):
        sys.stderr.write(f"{directory} holds {', '.join(existing)} already: nothing was changed\n")
        return 1
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)  # Also where it was there, and open to others.
    for name, content in files.items():
        path = directory / name
        path.write_text(content)
        # Containers read them as users of their own, and an owner writes over them; the directory keeps others out.
        path.chmod(0o644)
    return 0


if __name__ == "__main__":
    sys.exit(main())
