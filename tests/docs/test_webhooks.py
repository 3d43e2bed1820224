"""The page about webhooks names every event, and no other."""

import re
from pathlib import Path

from coordinator.ledger.webhooks import EventKind

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "webhooks.md").read_text()


def test_every_event_has_its_row() -> None:
    table = PAGE.partition("| type | when |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `([a-z.]+)`", table, re.MULTILINE) == [kind.value for kind in EventKind]
