"""Google's file of the emulator is fetched from a real server: whole, in pieces, or not at all."""

import hashlib
import os
import pty
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.demo.options import ROOT
from emulator.firestore_emulator import jar_path
from emulator.firestore_jar import FetchLimits, JarError, PublishedFile, cache_folder, cached, fetch
from tests.integration.file_server import FileServer, serving

BODY = bytes(i * i % 251 for i in range(300_007))
OTHER = bytes(i * i % 241 for i in range(300_007))
PATIENT = FetchLimits(connect_s=5.0, silence_s=5.0, total_s=60.0)
RUN_SECONDS_MAX = 60


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever this machine has set."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving(BODY) as served:
        yield served


def _source(server: FileServer, body: bytes = BODY) -> PublishedFile:
    return PublishedFile(
        server.url, len(body), hashlib.md5(body, usedforsecurity=False).hexdigest()
    )


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.endswith(".lock")}


def test_a_whole_file_is_kept_under_its_name_and_fetched_once(
    server: FileServer, tmp_path: Path
) -> None:
    folder = tmp_path / "new" / "cache"
    for _ in range(2):
        assert fetch(folder, _source(server), PATIENT).read_bytes() == BODY
    assert _names(folder) == {"emulator-v2.jar"}
    assert server.asked == [""]


def test_what_was_cut_off_goes_on_where_it_stopped(server: FileServer, tmp_path: Path) -> None:
    server.cuts = [100_000, 50_000]
    assert fetch(tmp_path, _source(server), PATIENT).read_bytes() == BODY
    assert server.asked == ["", "bytes=100000-", "bytes=150000-"]


def test_a_fetch_that_gave_up_is_taken_up_by_the_next(server: FileServer, tmp_path: Path) -> None:
    server.cuts = [100_000, 0]
    with pytest.raises(JarError, match="run this again, which goes on where it stopped"):
        fetch(tmp_path, _source(server), PATIENT)
    assert _names(tmp_path) == {"emulator-v2.jar.part"}
    assert fetch(tmp_path, _source(server), PATIENT).read_bytes() == BODY
    assert server.asked[-1] == "bytes=100000-"
    assert _names(tmp_path) == {"emulator-v2.jar"}


def test_a_server_that_knows_no_ranges_begins_anew(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "emulator-v2.jar.part").write_bytes(BODY[:1_000])
    server.knows_ranges = False
    assert fetch(tmp_path, _source(server), PATIENT).read_bytes() == BODY
    assert server.asked == ["bytes=1000-"]


@pytest.mark.parametrize("begun", [OTHER[:1_000], OTHER[:-1], OTHER, OTHER + b"more"])
def test_the_beginning_of_another_file_is_thrown_away(
    server: FileServer, tmp_path: Path, begun: bytes
) -> None:
    """It changed between two fetches, or was never ours."""
    (tmp_path / "emulator-v2.jar.part").write_bytes(begun)
    assert fetch(tmp_path, _source(server), PATIENT).read_bytes() == BODY
    assert server.asked[-1] == ""


def test_a_damaged_file_in_the_cache_is_not_used_and_fetched_again(
    server: FileServer, tmp_path: Path
) -> None:
    source, environment = _source(server), {"XDG_CACHE_HOME": str(tmp_path)}
    path = fetch(cache_folder(environment), source, PATIENT)
    assert cached(environment, source) == path
    path.write_bytes(OTHER)
    assert cached(environment, source) is None
    assert fetch(cache_folder(environment), source, PATIENT).read_bytes() == BODY


@pytest.mark.parametrize("body", [OTHER, BODY[:-1], BODY + b"x", b""])
def test_another_file_than_the_right_one_is_never_kept(tmp_path: Path, body: bytes) -> None:
    with serving(body) as server, pytest.raises(JarError, match="FIRESTORE_EMULATOR_JAR") as caught:
        fetch(tmp_path, _source(server), PATIENT)
    assert "\n" not in str(caught.value)
    assert "emulator-v2.jar" not in _names(tmp_path)


@pytest.mark.parametrize("status", [404, 403, 500, 503])
def test_a_refusal_is_one_sentence_with_the_status(
    server: FileServer, tmp_path: Path, status: int
) -> None:
    server.status = status
    with pytest.raises(JarError, match=f"answers {status}.*FIRESTORE_EMULATOR_JAR") as caught:
        fetch(tmp_path, _source(server), PATIENT)
    assert "\n" not in str(caught.value)
    assert len(server.asked) == 1


def test_nobody_there_is_one_sentence(tmp_path: Path) -> None:
    with serving(BODY) as server:
        source = _source(server)
    with pytest.raises(JarError, match=r"cannot be fetched from http://127\.0\.0\.1.*refused"):
        fetch(tmp_path, source, PATIENT)


def test_a_slow_server_is_waited_for_up_to_a_limit_and_what_came_is_kept(
    server: FileServer, tmp_path: Path
) -> None:
    server.pause_s = 0.02
    with pytest.raises(JarError, match="it is too slow"):
        fetch(tmp_path, _source(server), FetchLimits(5.0, 5.0, total_s=0.2))
    came = (tmp_path / "emulator-v2.jar.part").stat().st_size
    assert 0 < came < len(BODY)
    server.pause_s = 0.0
    assert fetch(tmp_path, _source(server), PATIENT).read_bytes() == BODY


def test_a_silent_server_is_given_up(server: FileServer, tmp_path: Path) -> None:
    """At the first silence or, on a busy machine, once all the time is over."""
    server.pause_s = 30.0
    with pytest.raises(JarError, match=r"timed out|it is too slow"):
        fetch(tmp_path, _source(server), FetchLimits(5.0, silence_s=0.1, total_s=0.2))


def test_a_full_disk_is_one_sentence(server: FileServer, tmp_path: Path) -> None:
    """The kernel's own: every write to this device fails as on a full disk."""
    (tmp_path / "emulator-v2.jar.part").symlink_to("/dev/full")
    with pytest.raises(JarError, match=r"cannot be kept in .* \(No space left on device\): make"):
        fetch(tmp_path, _source(server), PATIENT)


def test_a_cache_that_cannot_be_made_is_one_sentence(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(JarError, match="set XDG_CACHE_HOME to another folder"):
        fetch(tmp_path / "file" / "cache", _source(server), PATIENT)
    assert server.asked == []


def test_a_proxy_that_is_set_is_used(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server plays it: a proxy is asked for the whole URL."""
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.port}")
    far = PublishedFile("http://far.example/emulator-v2.jar", len(BODY), _source(server).md5)
    assert fetch(tmp_path, far, PATIENT).read_bytes() == BODY
    assert server.targets == ["http://far.example/emulator-v2.jar"]


def test_two_at_once_fetch_it_once(server: FileServer, tmp_path: Path) -> None:
    server.pause_s = 0.0005
    found: list[Path] = []
    both = [
        threading.Thread(target=lambda: found.append(fetch(tmp_path, _source(server), PATIENT)))
        for _ in range(2)
    ]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert [path.read_bytes() for path in found] == [BODY, BODY]
    assert server.asked == [""]


_PROGRAM = (
    "import sys; from pathlib import Path; "
    "from emulator.firestore_jar import PublishedFile, fetch; "
    "fetch(Path(sys.argv[1]), PublishedFile(sys.argv[2], int(sys.argv[3]), sys.argv[4]))"
)


def _words(folder: Path, source: PublishedFile) -> tuple[str, ...]:
    words = (str(folder), source.url, str(source.size_bytes), source.md5)
    return (sys.executable, "-c", _PROGRAM, *words)


def test_a_file_of_output_gets_a_few_lines(server: FileServer, tmp_path: Path) -> None:
    done = subprocess.run(
        _words(tmp_path, _source(server)),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS_MAX,
        check=True,
    )
    lines = done.stderr.splitlines()
    assert 1 <= len(lines) <= 6
    assert lines[-1] == "Firestore emulator: 0.3 of 0.3 MB (100 %)"
    assert "\r" not in done.stderr
    assert done.stdout == ""


def test_a_terminal_gets_one_line_redrawn(server: FileServer, tmp_path: Path) -> None:
    """Never longer than the terminal is wide: it would leave a trail."""
    server.pause_s = 0.001
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 60))
    with subprocess.Popen(
        _words(tmp_path, _source(server)), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=theirs
    ) as process:
        os.close(theirs)
        shown = b""
        try:
            while data := os.read(ours, 65_536):
                shown += data
        except OSError:  # a terminal whose other side is gone
            pass
        os.close(ours)
        assert process.wait(RUN_SECONDS_MAX) == 0, shown
    drawn = shown.decode().rstrip("\r\n").split("\r")[1:]
    assert len(drawn) >= 2
    assert {len(line) for line in drawn} == {59}
    assert "\n" not in "".join(drawn)
    assert "(100 %) [####" in drawn[-1]


def test_a_fetch_that_is_killed_leaves_a_part_for_the_next(
    server: FileServer, tmp_path: Path
) -> None:
    server.pause_s = 0.01
    with subprocess.Popen(_words(tmp_path, _source(server)), cwd=ROOT) as process:
        part = tmp_path / "emulator-v2.jar.part"
        while not (part.exists() and part.stat().st_size):
            assert process.poll() is None
        process.kill()
    server.pause_s = 0.0
    assert fetch(tmp_path, _source(server), PATIENT).read_bytes() == BODY
    assert server.asked[-1].startswith("bytes=")


def test_a_named_jar_comes_first_then_an_installed_sdk_then_the_cache(
    server: FileServer, tmp_path: Path
) -> None:
    """And without any there is none."""
    none = tmp_path / "none"
    environment = {"PATH": str(none), "XDG_CACHE_HOME": str(tmp_path)}
    source = _source(server)
    assert jar_path(environment, none, source) is None
    kept = fetch(cache_folder(environment), source, PATIENT)
    assert jar_path(environment, none, source) == kept
    installed = tmp_path / "sdk/platform/cloud-firestore-emulator/cloud-firestore-emulator.jar"
    installed.parent.mkdir(parents=True)
    installed.touch()
    assert jar_path(environment, tmp_path / "sdk", source) == installed
    named = tmp_path / "named.jar"
    named.touch()
    environment["FIRESTORE_EMULATOR_JAR"] = str(named)
    assert jar_path(environment, tmp_path / "sdk", source) == named
