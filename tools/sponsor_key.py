"""`make sponsor NAME=city-radio`: a key for a sponsor, made on this machine and kept nowhere.

The key is printed once. What the coordinator is told is its SHA-256, in both forms that it is
taken in: the api's variable and Terraform's. A sponsor may have several keys; each is revoked by
taking its hash out again.
"""

import re
import secrets
import sys

from coordinator.keys import sha256_hex
from emulator.unread import quiet_when_unread

NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
"""Terraform's rule for a sponsor's name, the strictest of those that it must pass."""
RULE = "1 to 40 lower-case letters, digits and hyphens, starting with a letter, like city-radio"


def lines_for(name: str, key: str) -> list[str]:
    """What ops are told about a new key; ValueError with a sentence for a name that is none."""
    if not name:
        raise ValueError(f"NAME is missing: make sponsor NAME=city-radio ({RULE}).")
    if not NAME.fullmatch(name):
        raise ValueError(f"NAME={name!r} is no name for a sponsor: write {RULE}.")
    digest = sha256_hex(key)
    return [
        f"The key of {name}, shown here and never again; send it to them alone:",
        "",
        f"  {key}",
        "",
        "The coordinator is told its hash, beside those that it knows already. Terraform:",
        "",
        f'  sponsor_key_hashes = {{ "{name}" = ["{digest}"] }}',
        "",
        "Everywhere else:",
        "",
        f"  SPONSOR_KEY_HASHES={name}:{digest}",
        "",
        "A sponsor may have several keys. Taking a hash out again revokes its key: docs/ops.md.",
    ]


def main(arguments: list[str]) -> int:
    """The exit status; anything but one fit name is refused before a key is made."""
    try:
        print("\n".join(lines_for(" ".join(arguments), secrets.token_urlsafe(32))))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(quiet_when_unread(lambda: main(sys.argv[1:])))
