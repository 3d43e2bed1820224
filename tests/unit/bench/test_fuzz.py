"""What a hunt keeps: one input for each place where a law broke, as small as it gets."""

from pathlib import Path

import pytest

from bench.fuzz.finds import Finds, broken_by, shrunk
from bench.fuzz.old_faults import OLD_FAULTS, OldFault, tree_with
from tests.fuzz.catalogue import target_named
from tests.project import ROOT


def _law(data: bytes) -> None:
    """Two faults, in two lines."""
    if b"ab" in data:
        raise ValueError("ab")
    assert b"c" not in data


def test_a_broken_law_is_told_by_the_line_of_ours() -> None:
    assert broken_by(_law, b"") is None
    first, second = broken_by(_law, b"xab"), broken_by(_law, b"xc")
    assert first is not None
    assert second is not None
    assert first.where.startswith("ValueError in /tests/unit/bench/test_fuzz.py:")
    assert first.where != second.where
    assert "ValueError: ab" in first.trace


def test_an_input_is_cut_to_what_breaks_the_law_at_the_same_place() -> None:
    assert shrunk(_law, b"xxxxaxaxabxcxx") == b"ab"
    assert shrunk(_law, b"xxxxxcxx") == b"c"
    assert shrunk(_law, b"fine") == b"fine"


def test_the_smallest_input_of_each_place_is_kept(tmp_path: Path) -> None:
    finds = Finds(tmp_path)
    for data in (b"xab", b"xxab", b"ab", b"xc"):
        broken = broken_by(_law, data)
        assert broken is not None
        finds.take(data, broken)
    kept = [path for path in tmp_path.iterdir() if path.suffix != ".txt"]
    assert {path.read_bytes() for path in kept} == {b"ab", b"xc"}
    assert all("Error in " in path.with_suffix(".txt").read_text() for path in kept)


@pytest.mark.parametrize("fault", OLD_FAULTS, ids=lambda fault: fault.name)
def test_an_old_fault_can_be_put_back(fault: OldFault) -> None:
    """What is replaced stands there once; otherwise the fault has to be told anew."""
    assert (ROOT / fault.path).read_text().count(fault.right) == 1
    assert fault.right != fault.wrong
    assert target_named(fault.target)


def test_a_tree_with_a_fault_differs_by_that_alone(tmp_path: Path) -> None:
    fault = OLD_FAULTS[0]
    tree = tree_with(fault, tmp_path)
    text = (ROOT / fault.path).read_text()
    assert (tree / fault.path).read_text() == text.replace(fault.right, fault.wrong)
    assert (tree / "rtmp" / "amf.py").read_text() == (ROOT / "rtmp" / "amf.py").read_text()
