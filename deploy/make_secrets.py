"""Make the secrets that compose.yaml mounts, all or none: `python3 deploy/make_secrets.py [DIRECTORY]`.

The exchange's keys are the simulator's. Standard library only.
"""

import secrets
import sys
from collections.abc import Mapping
from pathlib import Path


def made() -> Mapping[str, str]:
    """Return the content of each file; passwords are of 192 random bits."""
    database, broker = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    return {
        "postgres_password": database,
        "sniper_database_url": f"postgresql://sniper:{database}@postgres:5432/sniper",
        "rabbitmq_user.conf": f"default_user = sniper\ndefault_pass = {broker}\n",
        "sniper_broker_url": f"amqp://sniper:{broker}@rabbitmq:5672/",
        "grafana_password": secrets.token_urlsafe(24),
        "sniper_mexc_api_key": "sim-key",
        "sniper_mexc_api_secret": "sim-secret",
    }


def main(directory: Path) -> int:
    """Write them, all or none; return the exit status."""
    files = made()
    if existing := sorted(name for name in files if (directory / name).exists()):
        sys.stderr.write(f"{directory} holds {', '.join(existing)} already: nothing was changed\n")
        return 1
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, content in files.items():
        path = directory / name
        path.write_text(content)
        # Containers read them as users of their own; here the directory keeps others out.
        path.chmod(0o444)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "secrets"))
