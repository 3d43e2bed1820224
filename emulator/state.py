"""Keeps what a Firestore emulator holds in a folder, and puts it back into another one.

    python -m emulator.state export FOLDER [--host 127.0.0.1:8085] [--project demo-restream]
    python -m emulator.state import FOLDER […]

Both databases, each below its own name; what the emulator held before and the folder does not
hold stays. The emulator reads and writes the folder itself, so it must run on this machine.
"""

import argparse
import http.client
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from emulator.unread import quiet_when_unread

DATABASES = {"default": "(default)", "money": "money"}
"""By the name of their folder."""
SECONDS_MAX = 120.0


class StateError(Exception):
    """It could not be kept or put back; the message says what to look at."""


def keep(host: str, project: str, folder: Path) -> None:
    """Writes all documents into the folder. Raises StateError and OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, database in DATABASES.items():
        target = {"export_directory": str(folder.resolve()), "export_name": name}
        _ask(host, project, database, "export", target)


def put_back(host: str, project: str, folder: Path) -> None:
    """Reads what `keep` wrote. Raises StateError and OSError."""
    for name, database in DATABASES.items():
        listing = folder.resolve() / name / f"{name}.overall_export_metadata"
        if not listing.is_file():
            raise StateError(f"{listing} is missing: name a folder that was exported to")
        _ask(host, project, database, "import", {"export_directory": str(listing)})


def _ask(host: str, project: str, database: str, verb: str, said: dict[str, str]) -> None:
    body = json.dumps({"database": f"projects/{project}/databases/{database}", **said})
    connection = http.client.HTTPConnection(host, timeout=SECONDS_MAX)
    try:
        path = f"/emulator/v1/projects/{project}:{verb}"
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        told = answer.read().decode(errors="replace")
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise StateError(f"the emulator answered {answer.status} to {verb} of {database}: {told}")


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m emulator.state", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("verb", choices=("export", "import"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--host", default="127.0.0.1:8085", help="of the Firestore emulator")
    parser.add_argument("--project", default="demo-restream")
    options = parser.parse_args(argv)
    act = keep if options.verb == "export" else put_back
    try:
        act(options.host, options.project, options.folder)
    except (StateError, OSError) as error:
        sys.exit(f"{options.host}: {error}")


if __name__ == "__main__":
    sys.exit(quiet_when_unread(main))
