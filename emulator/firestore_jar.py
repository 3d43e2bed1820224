"""Google's own file of the Firestore emulator, for machines that have no package of it.

It is fetched once, goes on where it was cut off, and is kept in the user's cache folder. Its size
and digest are checked before each use.
"""

import contextlib
import fcntl
import hashlib
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from emulator.progress import ProgressBar

TRIES_MAX = 5
_READ_BYTES = 1 << 20


class JarError(Exception):
    """The file cannot be had. The message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """A file that somebody publishes, and what it has to be."""

    url: str
    size_bytes: int
    md5: str

    @property
    def name(self) -> str:
        return self.url.rpartition("/")[2]


# The published SHA-256 has 63 digits, so it cannot be right. Pin the true one here, in the place
# of MD5, as soon as somebody has seen the file.
JAR = PublishedFile(
    "https://storage.googleapis.com/firebase-preview-drop/emulator/"
    "cloud-firestore-emulator-v1.20.4.jar",
    136_551_710,
    "8397dac992e02454914dec28d23b6ed8",
)


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """How long a fetch may take."""

    connect_s: float = 15.0
    silence_s: float = 30.0
    """Nothing comes."""
    total_s: float = 3600.0


def cache_folder(environment: Mapping[str, str]) -> Path:
    """Where the user's programs keep what can be fetched again. Raises JarError."""
    named = Path(environment.get("XDG_CACHE_HOME", ""))
    if named.is_absolute():  # the standard demands that another path is ignored
        return named / "restream"
    try:
        return Path(environment.get("HOME") or Path.home()) / ".cache" / "restream"
    except RuntimeError:
        raise JarError(
            "There is no home folder: set XDG_CACHE_HOME to one to keep files in."
        ) from None


def cached(environment: Mapping[str, str], source: PublishedFile = JAR) -> Path | None:
    """The file, if it is in the cache and right."""
    try:
        path = cache_folder(environment) / source.name
    except JarError:
        return None
    return path if is_right(path, source) else None


def is_right(path: Path, source: PublishedFile) -> bool:
    """Whether size and digest are what they have to be."""
    digest = hashlib.md5(usedforsecurity=False)
    try:
        if path.stat().st_size != source.size_bytes:
            return False
        with path.open("rb") as file:
            while data := file.read(_READ_BYTES):
                digest.update(data)
    except OSError:
        return False
    return digest.hexdigest() == source.md5


def fetch(folder: Path, source: PublishedFile = JAR, limits: FetchLimits | None = None) -> Path:
    """The file in `folder`, fetched if it is not there. Raises JarError."""
    path, part = folder / source.name, folder / f"{source.name}.part"
    bar = ProgressBar(sys.stderr, "Firestore emulator", source.size_bytes)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder / f"{source.name}.lock"), contextlib.closing(bar):
            if not is_right(path, source):
                _Fetch(source, part, bar, limits or FetchLimits()).run()
                part.replace(path)
    except OSError as error:
        raise JarError(
            f"The Firestore emulator ({source.size_bytes // 1_000_000} MB) cannot be kept in "
            f"{folder} ({error.strerror or error}): make room or set XDG_CACHE_HOME to another "
            "folder, and run this again."
        ) from error
    return path


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Whoever comes second waits, and then finds the file."""
    with lock.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("waiting for another fetch of the same file", file=sys.stderr, flush=True)
            fcntl.flock(held, fcntl.LOCK_EX)
        yield


class _Cut(Exception):  # noqa: N818 - never leaves this module
    """The server or the way to it failed; what has come is kept."""


class _Fetch:
    """Brings `part` to the whole file."""

    def __init__(
        self, source: PublishedFile, part: Path, bar: ProgressBar, limits: FetchLimits
    ) -> None:
        self._source = source
        self._part = part
        self._bar = bar
        self._silence = httpx.Timeout(limits.silence_s, connect=limits.connect_s)
        self._deadline_s = time.monotonic() + limits.total_s

    def run(self) -> None:
        """Raises JarError and OSError."""
        for _ in range(TRIES_MAX):
            had_bytes = self._have_bytes()
            try:
                self._go_on(had_bytes)
            except _Cut as cut:
                if self._have_bytes() > had_bytes and time.monotonic() < self._deadline_s:
                    continue
                raise self._unreachable(cut) from cut
            if is_right(self._part, self._source):
                return
            self._part.unlink(missing_ok=True)
            if not had_bytes:
                raise JarError(
                    f"{self._source.url} is not the file that it was: set FIRESTORE_EMULATOR_JAR "
                    f"to a copy of the emulator, or install it as a package."
                )
            # The beginning was of another file than the rest: once more, from the start.
        raise self._unreachable("it is cut off again and again")

    def _have_bytes(self) -> int:
        return self._part.stat().st_size if self._part.exists() else 0

    def _go_on(self, had_bytes: int) -> None:
        """Asks for what is missing, and appends it. Raises _Cut and OSError."""
        if had_bytes >= self._source.size_bytes:
            return
        headers = {"Accept-Encoding": "identity"}
        if had_bytes:
            headers["Range"] = f"bytes={had_bytes}-"
        try:
            # The only client here that follows http_proxy and its like: it leaves this machine.
            with (
                httpx.Client(timeout=self._silence, follow_redirects=True) as http,
                http.stream("GET", self._source.url, headers=headers) as answer,
            ):
                self._take(answer, had_bytes)
        except (httpx.HTTPError, httpx.InvalidURL, ImportError, ValueError) as error:
            raise _Cut(str(error) or type(error).__name__) from error

    def _take(self, answer: httpx.Response, had_bytes: int) -> None:
        size_bytes = self._source.size_bytes
        match answer.status_code:
            case httpx.codes.OK:
                done_bytes = 0
            case httpx.codes.PARTIAL_CONTENT:
                rest = f"bytes {had_bytes}-{size_bytes - 1}/{size_bytes}"
                if answer.headers.get("Content-Range") != rest:
                    return  # the file has changed
                done_bytes = had_bytes
            case httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                return  # likewise: it is shorter now
            case status:
                raise _Cut(f"the server answers {status}")
        with self._part.open("ab" if done_bytes else "wb") as file:
            for data in answer.iter_raw():
                done_bytes += len(data)
                if done_bytes > size_bytes:
                    return
                file.write(data)
                self._bar.show(done_bytes, time.monotonic())
                if time.monotonic() > self._deadline_s:
                    raise _Cut("it is too slow")
        if done_bytes < size_bytes and "Content-Length" not in answer.headers:
            raise _Cut("the connection ended early")

    def _unreachable(self, why: object) -> JarError:
        return JarError(
            f"The Firestore emulator cannot be fetched from {self._source.url} ({why}): run this "
            "again, which goes on where it stopped, or set FIRESTORE_EMULATOR_JAR to a copy of it."
        )
