"""The threat model's table of hostile bytes is whole: each misbehaviour that is tried is in it."""

import re
from fnmatch import fnmatchcase

from tests.integration.hostile_catalogue import CASES
from tests.integration.hostile_floods import FLOODS
from tests.project import ROOT

MODEL = (ROOT / "docs" / "threat-model.md").read_text()
TABLE = MODEL.partition("## Hostile bytes at the relay\n")[2].partition("\n## ")[0]
NAMES = (*(name for name, _ in CASES), *FLOODS)
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TABLE.splitlines()
    if line.startswith("|")
][2:]
PATTERNS = [pattern for row in ROWS for pattern in re.findall(r"`([^`]+)`", row[2])]


def test_every_misbehaviour_is_in_a_row() -> None:
    told = {name for name in NAMES if any(fnmatchcase(name, each) for each in PATTERNS)}
    assert sorted(set(NAMES) - told) == []


def test_every_name_in_a_row_is_tried() -> None:
    tried = {each for each in PATTERNS if any(fnmatchcase(name, each) for name in NAMES)}
    assert sorted(set(PATTERNS) - tried) == []


def test_every_row_of_the_threat_model_names_tests_that_exist() -> None:
    """And each row of hostile bytes names one."""
    named = set(re.findall(r"`(tests/[^`]+)`", MODEL))
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []
    assert [row[0] for row in ROWS if not re.search(r"`tests/[^`]+`", row[3])] == []
