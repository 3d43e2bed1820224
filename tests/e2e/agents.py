"""Agents run from this tree, and what they find: their folder, their clock, their ingest."""

import functools
import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agent.doctor import first_look
from agent.log import AgentEvent
from tests.e2e.coordinator_stand_in import INGEST_KEY, STREAM_ID, CoordinatorStandIn
from tests.e2e.watched import AGENT_PATH, HOST, WAIT_S_MAX, Watched, running, wait_for
from tests.image.stand_in import program_path
from tests.ports import free_port

ENGINE = os.environ.get("ENGINE") or "restream"
"""What nodes relay with, where a test does not say. `make end-to-end ENGINE=rtmp_relay` tries the
other. Ingests are of restream: the other asks nobody who may publish."""


class RunningAgent(Watched):
    """An agent with its settings in the environment, seen through what it serves and logs."""

    def __init__(self, command: list[str], settings: dict[str, str]) -> None:
        self._settings = settings
        super().__init__(command, {k: v for k, v in settings.items() if v})

    @property
    def rtmp_port(self) -> int:
        """Where its relay listens."""
        return int(self._settings["RTMP_PORT"])

    @property
    def stats_port(self) -> int:
        """Where it serves its statistics."""
        return int(self._settings["STATS_PORT"])

    def get(self, path: str) -> tuple[int, dict[str, Any]]:
        """The status and JSON of a page of the agent; status 0 while it does not listen."""
        try:
            with self._opened(path) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as e:
            with e:
                return e.code, json.load(e)
        except OSError:
            return 0, {}

    def text(self, path: str) -> str:
        """A page of the agent that is not JSON."""
        with self._opened(path) as answer:
            return str(answer.read().decode())

    def _opened(self, path: str) -> Any:
        """An agent that does not listen refuses at once; a slow one is one on a busy machine."""
        url = f"http://{HOST}:{self.stats_port}{path}"
        return urllib.request.urlopen(url, timeout=WAIT_S_MAX)

    def stats(self) -> dict[str, Any]:
        """/stats.json, or nothing while the agent does not listen."""
        return self.get("/stats.json")[1]

    def events(self, name: str) -> list[dict[str, Any]]:
        """The log lines of one event. Every line of the agent has to be JSON."""
        wanted = AgentEvent(name)  # for a name that is none one would wait in vain
        lines = [
            json.loads(line) for line in self.output.splitlines(keepends=True) if line[-1:] == "\n"
        ]
        return [line for line in lines if line["event"] == wanted]

    def relay_pid(self) -> int:
        """The process id of the relay that was started last."""
        return int(self.events("relay_started")[-1]["pid"])

    def wait_until(
        self, what: str, condition: Callable[[], Any], seconds: float = WAIT_S_MAX
    ) -> Any:
        """Wait, and show this agent's output if it never comes."""
        return wait_for(what, condition, lambda: self.output, seconds)

    def wait_state(self, state: str) -> dict[str, Any]:
        """Wait until the stream is `live` or `waiting`; returns the statistics."""

        def stats_in_state() -> dict[str, Any] | None:
            stats = self.stats()
            return stats if stats and stats["stream"]["state"] == state else None

        found: dict[str, Any] = self.wait_until(f"stream {state}", stats_in_state)
        return found


class WrongClock:
    """A clock that processes have in place of this machine's, and that can be put wrong meanwhile.

    Debian's libfaketime; the clock that nobody sets stays as it is. Where the library is missing
    the loader only complains: look at the effect.
    """

    def __init__(self, file: Path, off_s: int) -> None:
        self._file = file
        self.put_off(off_s)

    @property
    def settings(self) -> dict[str, str]:
        """For the environment of an agent; its relay inherits them."""
        return {
            "LD_PRELOAD": "/usr/$LIB/faketime/libfaketime.so.1",
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def put_off(self, seconds: int) -> None:
        """From now on it is ahead by so much, or behind."""
        draft = self._file.with_suffix(".draft")
        draft.write_text(f"{seconds:+d}")
        draft.replace(self._file)


def read_only(folder: Path) -> tuple[str, ...]:
    """What a command is begun with to see a folder that nobody can write to, not even root."""
    mount = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
    # Root keeps its own user: another namespace lacks some that programs change to.
    rights = () if os.geteuid() == 0 else ("--map-current-user", "--keep-caps")
    return ("unshare", *rights, "--mount", "sh", "-c", mount, str(folder))


@functools.cache
def node_engine() -> dict[str, str]:
    """The environment of a node with that engine; of rtmp_relay a stand-in is run."""
    path = {"PATH": program_path()} if ENGINE == "rtmp_relay" else {}
    return {"RELAY_ENGINE": ENGINE, **path}


class AgentProcess(RunningAgent):
    """An agent run from this tree; `command` is its argument, such as `doctor`.

    `wrapper` is what the command is begun with; it has to become the agent (exec).
    """

    def __init__(
        self,
        data_dir: Path,
        coordinator_url: str,
        *command: str,
        wrapper: Sequence[str] = (),
        **settings: str,
    ) -> None:
        ports = {"RTMP_PORT": str(free_port()), "STATS_PORT": str(free_port())}
        env = ports | {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": AGENT_PATH,
            "COORDINATOR_URL": coordinator_url,
            "BIND_ADDRESS": HOST,
            "DATA_DIR": str(data_dir),
            **({} if {"ROLE", "RELAY_ENGINE"} & settings.keys() else node_engine()),
            **settings,
        }
        super().__init__([*wrapper, sys.executable, "-m", "agent", *command], env)


def examined(folder: Path) -> Path:
    """A node's folder as after its first look at itself, which plays: that counts as a viewer."""
    folder.mkdir(parents=True)
    (folder / first_look.FILE).touch()
    return folder


@contextmanager
def ingest_in(folder: Path, host: str = HOST) -> Iterator[tuple[CoordinatorStandIn, AgentProcess]]:
    """A coordinator and an ingest that is up; nobody publishes yet. `host`: how nodes call it."""
    port = free_port()
    coordinator = CoordinatorStandIn(f"rtmp://{host}:{port}/live/{STREAM_ID}")
    coordinator.start()
    settings = {"ROLE": "ingest", "INGEST_KEY": INGEST_KEY, "RTMP_PORT": str(port)}
    try:
        with running(AgentProcess(folder / "ingest", coordinator.url, **settings)) as ingest:
            ingest.wait_until("ingest up", lambda: ingest.get("/healthz")[0] == 200)
            yield coordinator, ingest
    finally:
        coordinator.stop()
