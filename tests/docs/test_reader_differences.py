"""Where the two readers differ on honest media, the reason is written where figures are."""

from bench.kinds.honest_kinds import HONEST_KINDS
from bench.kinds.reader_differences import READS_LESS
from emulator.demo.options import ROOT

DOCUMENT = ROOT / "docs" / "benchmarks.md"


def test_every_difference_has_its_reason_in_the_benchmarks() -> None:
    """By the stream's name, and only of streams that are tried."""
    section = DOCUMENT.read_text(encoding="utf-8").partition("### Both readers")[2]
    table = section.partition("\n## ")[0]
    assert all(f"`{stream}`" in table for stream in READS_LESS)
    assert READS_LESS.keys() <= {kind.stream for kind in HONEST_KINDS}
    assert all(READS_LESS.values())
