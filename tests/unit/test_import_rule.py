"""What the import linter cannot say."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_entry_points_only_wire() -> None:
    """At most 25 lines each: whatever is more belongs to a handler."""
    mains = list((ROOT / "functions").glob("*/main.py"))
    assert len(mains) == 4
    for main in mains:
        assert len(main.read_text().splitlines()) <= 25, main


def test_no_package_of_ours_has_a_name_that_is_taken() -> None:
    """Functions Framework appends our folder to sys.path: an installed package would win."""
    ours = {path.parent.name for path in (ROOT / "functions").glob("*/__init__.py")}
    installed = {path.name for path in (ROOT / ".venv").glob("lib/python3*/site-packages/*")}
    assert ours == {"api", "collector", "coordinator", "payout", "prober"}
    assert not (ours | {"rtmp"}) & installed
