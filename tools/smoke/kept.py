"""Which stream a network was tested by last: another run follows it to its end."""

import json
from collections.abc import Mapping
from pathlib import Path

STREAMS_MAX = 50
"""Networks that are remembered, the latest."""


class Kept:
    """A file of stream ids by the api's address; it holds no key."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def stream_of(self, api: str) -> str:
        """Empty if none is known."""
        return str(self._all().get(api, ""))

    def keep(self, api: str, stream_id: str) -> None:
        """Instead of an earlier one."""
        others = {each: of for each, of in self._all().items() if each != api}
        self._write({**others, api: stream_id})

    def forget(self, api: str) -> None:
        """Once its stream is settled."""
        self._write({each: of for each, of in self._all().items() if each != api})

    def _all(self) -> Mapping[str, str]:
        try:
            found = json.loads(self._path.read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _write(self, streams: Mapping[str, str]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        latest = dict(list(streams.items())[-STREAMS_MAX:])
        self._path.write_text(json.dumps(latest, indent=1) + "\n")
