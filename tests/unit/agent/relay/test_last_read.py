"""What a relay read last, as its agent finds it after a crash."""

import hashlib
import os
import resource
import signal
from pathlib import Path

import pytest

from agent.relay.last_read import DIGEST_CHARS, KEPT_BYTES_MAX, LastRead, LastReadWriter, last_read


def digest(data: bytes) -> str:
    """As it is told."""
    return hashlib.sha256(data).hexdigest()[:DIGEST_CHARS]


def test_the_last_read_alone_is_told(tmp_path: Path) -> None:
    path = tmp_path / "last"
    writer = LastReadWriter(path)
    assert last_read(path) is None
    writer.note("192.0.2.7", b"a longer one before")
    writer.note("2001:db8::1", b"the last")
    assert last_read(path) == LastRead("2001:db8::1", 8, digest(b"the last"))


def test_of_a_large_read_the_end_counts(tmp_path: Path) -> None:
    path, data = tmp_path / "last", os.urandom(KEPT_BYTES_MAX * 3)
    LastReadWriter(path).note("192.0.2.7", data)
    assert last_read(path) == LastRead("192.0.2.7", len(data), digest(data[-KEPT_BYTES_MAX:]))
    assert path.stat().st_size < KEPT_BYTES_MAX + 100


def test_it_outlives_a_process_that_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "last"
    if not (child := os.fork()):
        LastReadWriter(path).note("192.0.2.7", b"deadly")
        os.kill(os.getpid(), signal.SIGKILL)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert last_read(path) == LastRead("192.0.2.7", 6, digest(b"deadly"))


@pytest.mark.parametrize("content", [None, b"", b"\xff" * 50, bytes(200)])
def test_a_file_that_is_none_tells_nothing(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "last"
    if content is not None:
        path.write_bytes(content)
    assert last_read(path) is None


def test_a_file_of_nonsense_is_read_within_its_bounds(tmp_path: Path) -> None:
    """The process that wrote it had crashed, after all."""
    path = tmp_path / "last"
    path.write_bytes(b"\xff" * (KEPT_BYTES_MAX * 2))
    told = last_read(path)
    assert told is not None
    assert len(told.host) <= 64


def test_a_full_disk_is_an_error_at_once_and_not_a_signal_later(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, limits[1]))
    try:
        with pytest.raises(OSError, match="large"):
            LastReadWriter(tmp_path / "last")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
