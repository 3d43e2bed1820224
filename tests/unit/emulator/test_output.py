"""What is kept of a child's output."""

from pathlib import Path

from emulator.processes import output
from emulator.processes.output import LINE_BYTES_MAX, LINES_MAX, LOG_BYTES_MAX, Output


def test_lines_are_put_together_from_pieces(tmp_path: Path) -> None:
    kept = Output(tmp_path / "log")
    for piece in (b"one\ntw", b"o\n\n", b"three"):
        kept.feed(piece, 13.0)
    assert kept.tail() == ["one", "two", "three"]
    assert kept.last_at_s == 13.0
    kept.close()
    assert (tmp_path / "log").read_bytes() == b"one\ntwo\n\nthree"


def test_only_the_last_lines_are_kept_and_long_ones_are_cut(tmp_path: Path) -> None:
    kept = Output(tmp_path / "log")
    kept.feed(b"".join(b"%d\n" % i for i in range(LINES_MAX + 7)), 1.0)
    assert len(kept.tail()) == LINES_MAX
    assert kept.tail()[0] == "7"
    kept.feed(b"x" * (3 * LINE_BYTES_MAX), 2.0)
    kept.feed(b"\n", 3.0)
    assert kept.tail()[-1] == "x" * LINE_BYTES_MAX
    kept.close()


def test_nothing_that_a_terminal_would_obey_is_passed_on(tmp_path: Path) -> None:
    kept = Output(tmp_path / "log")
    kept.feed(b"frame=1\rframe=2\rframe=3\n\x1b[2Jred\xff\n", 1.0)
    assert kept.tail() == ["frame=3", "·[2Jred\N{REPLACEMENT CHARACTER}"]
    kept.close()


def test_a_log_file_does_not_grow_for_ever(tmp_path: Path) -> None:
    kept = Output(tmp_path / "log")
    block = b"x" * 1_000_000
    for _ in range(LOG_BYTES_MAX // len(block) + 3):
        kept.feed(block, 1.0)
    kept.close()
    size = (tmp_path / "log").stat().st_size
    assert LOG_BYTES_MAX < size < LOG_BYTES_MAX + 100
    assert output.LINES_MAX * LINE_BYTES_MAX < 100_000
