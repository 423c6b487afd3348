"""Give the users in definitions.json their passwords: `python passwords.py DIRECTORY < definitions.json > broker.json`.

DIRECTORY holds a file for each user, by its name, with the password in it. Only salted hashes are written; a user
without a file keeps none, and cannot sign in. Needs Python alone.
"""

import base64
import hashlib
import json
import secrets
import sys
from pathlib import Path

_SALT_BYTES = 4


def hashed(password: str, salt: bytes) -> str:
    """Return the hash as RabbitMQ stores it: https://www.rabbitmq.com/docs/passwords#computing-password-hash."""
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def main(directory: Path) -> int:
    """Return the exit status."""
    definitions = json.load(sys.stdin)
    for user in definitions["users"]:
        file = directory / user["name"]
        if not file.is_file():
            continue
        password = file.read_text(encoding="utf-8").rstrip("\n")
        if not password:
            sys.stderr.write(f"{file}: is empty\n")
            return 2
        user["password_hash"] = hashed(password, secrets.token_bytes(_SALT_BYTES))
    json.dump(definitions, sys.stdout, indent=2)
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.stderr.write("usage: passwords.py DIRECTORY < definitions.json; DIRECTORY holds a file for each user\n")
        sys.exit(2)
    sys.exit(main(Path(sys.argv[1])))
