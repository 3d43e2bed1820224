"""What a search has measured so far, one line a generation: an interrupted run goes on from there.

Searches do the same by the same seed. So what was measured is all that has to be kept.
"""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from bench.simulations.adversary.evolution import Measured

ROOT = Path(__file__).resolve().parents[3]
DECIDED_BY = ("functions/coordinator", "functions/prober", "bench/simulations/adversary")
"""What a measurement depends on: other code, and the search begins anew."""


@dataclass
class Journal:
    """A file of lines."""

    path: Path
    _known: dict[str, list[Measured]] = field(default_factory=dict)
    _file: IO[str] | None = None

    def __enter__(self) -> "Journal":
        head = json.dumps({"code": _digest_of_code()})
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        whole = [line for line in lines if line.endswith("}")]  # one that was killed left half
        if not whole or whole[0] != head:
            whole = [head]
        self._known = {each["of"]: _lives(each) for each in map(json.loads, whole[1:])}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("w")
        self._file.writelines(f"{line}\n" for line in whole)
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    @property
    def is_begun(self) -> bool:
        """Whether an earlier run has left something."""
        return bool(self._known)

    def recalled(self, name: str) -> list[Measured] | None:
        """What was measured under a name before; None if it never was."""
        return self._known.get(name)

    def keeps(self, name: str, lives: list[Measured]) -> None:
        """For whoever goes on."""
        if self._file is not None:
            print(json.dumps({"of": name, "lives": lives}), file=self._file, flush=True)


def _lives(line: dict[str, Any]) -> list[Measured]:
    return [[(gain, share) for gain, share in one] for one in line["lives"]]


def _digest_of_code() -> str:
    digest = hashlib.sha256()
    for folder in DECIDED_BY:
        for path in sorted((ROOT / folder).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()
