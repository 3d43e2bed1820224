"""Google's Firestore emulator as a child process: found, started, awaited, cleared, stopped."""

import asyncio
import contextlib
import http.client
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from emulator import firestore_jar
from emulator.processes.ports import LOOPBACK, Ports

START_SECONDS_MAX = 60.0
STOP_SECONDS_MAX = 5.0
ANSWER_SECONDS_MAX = 30.0
"""Its first answers take seconds on a busy machine."""
MAIN_CLASS = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
MISSING = (
    "The Firestore emulator is missing: run `make setup`, or set FIRESTORE_EMULATOR_JAR to its jar "
    "file; it needs Java 17 or later on PATH."
)
SDK = Path("/usr/lib/google-cloud-sdk")
"""Where Google's own packages for Debian put it."""


class EmulatorError(Exception):
    """The emulator cannot be found or does not start; the message says what to do."""


class FirestoreEmulator:
    """`async with FirestoreEmulator() as emulator: ... emulator.host` (`127.0.0.1:port`).

    An emulator that FIRESTORE_EMULATOR_HOST names already is used as it is, and left running."""

    def __init__(
        self, *, port: int | None = None, environment: Mapping[str, str] = os.environ
    ) -> None:
        self._environment = environment
        self._given = environment.get("FIRESTORE_EMULATOR_HOST")
        self._process: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] | None = None
        self._ports = Ports()
        """None that the kernel gives out: it starts to listen seconds later."""
        self.host = self._given or f"{LOOPBACK}:{port or self._ports.any()}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Returns when it answers. Start and stop may run on different event loops."""
        try:
            if self._given is None:
                self._launch()
            await self._wait_until_it_answers()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Ends the process and its children; does nothing to an emulator that was there before."""
        if self._process is not None:
            _signal(self._process, signal.SIGTERM)
            try:
                await asyncio.to_thread(self._process.wait, STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                pass
            finally:
                # Also if we are cancelled here, and for what a dead launcher leaves behind.
                _signal(self._process, signal.SIGKILL)
                self._process.wait()
        if self._output is not None:
            self._output.close()
            self._output = None
        self._ports.close()

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """The child, or None if the emulator was running already."""
        return self._process

    async def clear(self, project: str, database: str = "(default)") -> None:
        """Deletes every document of a database, in milliseconds."""
        path = f"/emulator/v1/projects/{project}/databases/{database}/documents"
        status = await asyncio.to_thread(self._ask, "DELETE", path)
        if status != http.client.OK:
            raise EmulatorError(f"clearing {database} answered {status}")

    def output(self) -> str:
        """The last 2,000 bytes that the child printed."""
        if self._output is None:
            return ""
        size = self._output.seek(0, os.SEEK_END)
        self._output.seek(max(0, size - 2_000))
        return self._output.read().decode(errors="replace")

    def _ask(self, method: str, path: str) -> int:
        connection = http.client.HTTPConnection(self.host, timeout=ANSWER_SECONDS_MAX)
        try:
            connection.request(method, path)
            return connection.getresponse().status
        finally:
            connection.close()

    def _launch(self) -> None:
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - closed when it is stopped
        # Not asyncio's child: it outlives the event loop of a test. A group of its own, since
        # `java` may be a script that has children.
        self._process = subprocess.Popen(
            [*_dying_with_us(), *command(self.host, self._environment)],
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    async def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            if self._process is not None and self._process.poll() is not None:
                raise EmulatorError(f"the Firestore emulator ended at once:\n{self.output()}")
            try:
                if await asyncio.to_thread(self._ask, "GET", "/") == http.client.OK:
                    return
            except (OSError, http.client.HTTPException) as error:
                if self._given is not None:
                    raise EmulatorError(
                        f"FIRESTORE_EMULATOR_HOST is {self.host}, but nothing answers there: "
                        "start it or unset the variable"
                    ) from error
            if time.monotonic() > deadline:
                raise EmulatorError(f"the Firestore emulator does not answer:\n{self.output()}")
            await asyncio.sleep(0.05)


def _dying_with_us() -> list[str]:
    """A prefix for a command that should end when we are killed, where the system has one."""
    return ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def command(host: str, environment: Mapping[str, str] = os.environ) -> list[str]:
    """The command that runs the emulator on `host`; EmulatorError if this machine has none."""
    java = shutil.which("java", path=environment.get("PATH"))
    jar = jar_path(environment)
    if java is None or jar is None:
        raise EmulatorError(MISSING)
    name, _, port = host.rpartition(":")
    light = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Duser.language=en"]
    program = ["-cp", str(jar), MAIN_CLASS]
    return [java, *light, *program, "start", f"--host={name}", f"--port={port}"]


def jar_path(
    environment: Mapping[str, str],
    sdk: Path = SDK,
    source: firestore_jar.PublishedFile = firestore_jar.JAR,
) -> Path | None:
    """The one that is named, or of an installed SDK, or the one that was fetched before."""
    if named := environment.get("FIRESTORE_EMULATOR_JAR"):
        if not Path(named).is_file():
            raise EmulatorError(f"FIRESTORE_EMULATOR_JAR names no file: {named}")
        return Path(named)
    sdks = [sdk]
    if gcloud := shutil.which("gcloud", path=environment.get("PATH")):
        sdks.insert(0, Path(gcloud).resolve().parent.parent)
    if root := environment.get("CLOUDSDK_ROOT_DIR"):
        sdks.insert(0, Path(root))
    for folder in sdks:
        jar = folder / "platform" / "cloud-firestore-emulator" / "cloud-firestore-emulator.jar"
        if jar.is_file():
            return jar
    return firestore_jar.cached(environment, source)
