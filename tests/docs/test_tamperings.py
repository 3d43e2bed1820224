"""The threat model names every falsification that escapes the audits, with its reason."""

from pathlib import Path

from bench.tampering.catalogue import TAMPERINGS
from bench.tampering.tamper import MODULES

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "threat-model.md").read_text()


def test_what_escapes_is_named_with_its_reason() -> None:
    """As the table of `make tamper` has it, and nothing else."""
    assert MODULES
    escaping = {way.name: way.escapes for way in TAMPERINGS if way.escapes}
    table = TEXT.partition("| what is falsified | why nobody finds it |")[2].partition("\n\n")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]
    assert dict(rows) == escaping
