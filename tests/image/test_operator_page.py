"""docs/operator.md, typed word for word by somebody who has never used Docker.

`docker` is what this machine has in its place. It is only told to keep to loopback and to free
ports, and the coordinator's address is the stand-in's.
"""

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.agents import ingest_in
from tests.e2e.coordinator_stand_in import CoordinatorStandIn
from tests.e2e.ffmpeg import publisher
from tests.e2e.notice_receiver import NoticeReceiver, receiving
from tests.e2e.watched import HOST, running, wait_for
from tests.image.containers import IMAGE, build, remove_volume, runner
from tests.ports import free_port

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "operator.md").read_text()
BLOCKS = re.findall(r"^```sh\n(.*?)^```\n(?:```text\n(.*?)^```\n)?", PAGE, re.MULTILINE | re.DOTALL)
DOCTOR, START, LOOK, EXAMINE, NOTIFY, UPDATE, TAKE, BRING, STOP = range(9)
COMMAND_S_MAX = 90
OUTSIDE = {"open": True, "says": "It answers."}
# Publishing a port would leave loopback: the host's network takes its place. An image is built by
# whatever builds on this machine.
SHIM = """#!/usr/bin/env bash
if [ "$1 $2 $4 $5 $6" = "build -t -f node_image/Dockerfile ." ]; then
    exec bash build-image.sh node "$3"
fi
command=$1; shift; rest=()
while [ $# -gt 0 ]; do
    if [ "$1" = --publish ]; then shift; else rest+=("$1"); fi
    shift
done
[ "$command" = run ] && command="run --network host {environment}"
exec {runner} $command "${{rest[@]}}"
"""


class Terminal:
    """Where an operator types."""

    def __init__(
        self, folder: Path, coordinator: CoordinatorStandIn, notices: NoticeReceiver
    ) -> None:
        self.notices = notices
        self.name = f"restream-test-{os.getpid()}"
        self._words = {
            "https://coordinator.example.org": coordinator.url,
            "restream-data": f"{self.name}-data",
            "--name restream-node": f"--name {self.name}",
        }
        self._words["ntfys://ntfy.sh/my-secret-topic"] = notices.address
        ports = {"RTMP_PORT": free_port(), "STATS_PORT": free_port()}
        self._words |= {
            "1935 and 8080 are": f"{ports['RTMP_PORT']} and {ports['STATS_PORT']} are",
            "on 1935 and 8080": f"on {ports['RTMP_PORT']} and {ports['STATS_PORT']}",
        }
        own = {"BIND_ADDRESS": HOST, **ports}
        environment = " ".join(f"--env {name}={value}" for name, value in own.items())
        program = folder / "bin" / "docker"
        program.parent.mkdir()
        command = " ".join(shlex.quote(word) for word in runner())
        program.write_text(SHIM.format(environment=environment, runner=command))
        program.chmod(0o755)
        self._env = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}
        self._clone = folder / "clone"
        origin = str(folder / "origin")
        for argv in (
            ("clone", "--quiet", str(PROJECT), origin),
            ("-C", origin, "checkout", "--quiet", "-B", "main"),  # this may be no branch
            ("clone", "--quiet", origin, str(self._clone)),
        ):
            subprocess.run(
                ["git", "-c", "safe.directory=*", *argv], timeout=COMMAND_S_MAX, check=True
            )

    def type(self, number: int) -> str:
        """Type a block of the page; returns what it printed, which the page has to have said."""
        commands, says = (self._here(text) for text in BLOCKS[number])
        # The container's name is the image's as well, but for where a container is meant.
        meant = r"(docker (?:exec|logs|rm|stop -t 20)) restream-node"
        commands = re.sub(meant, rf"\1 {self.name}", commands)
        commands = re.sub(r"(?<=\s)restream-node(?=\s|$)", IMAGE, commands)
        done = subprocess.run(
            ["bash", "-eu", "-c", commands],
            cwd=self._clone,
            env=self._env,
            capture_output=True,
            text=True,
            timeout=COMMAND_S_MAX,
            check=False,
        )
        printed = done.stdout + done.stderr
        assert done.returncode == 0, f"{commands}\n{printed}"
        for line in says.splitlines():
            expected = line.replace("restream-node", self.name) if number == STOP else line
            pattern = ".*".join(re.escape(part) for part in expected.split("…"))
            assert re.search(f"^{pattern}", printed, re.MULTILINE), f"{line}\n---\n{printed}"
        return printed

    def clean(self) -> None:
        """Take away what was started."""
        argv = [*runner(), "rm", "--force", self.name]
        subprocess.run(argv, capture_output=True, timeout=COMMAND_S_MAX, check=False)
        self.forget()

    def forget(self) -> None:
        """A machine without this node's volume."""
        remove_volume(f"{self.name}-data")

    def _here(self, text: str) -> str:
        for said, meant in self._words.items():
            text = text.replace(said, meant)
        return text


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """On a machine with an image, and with a live stream somewhere."""
    build(IMAGE)
    with ExitStack() as stack:
        coordinator, ingest = stack.enter_context(ingest_in(tmp_path))
        coordinator.dial_back = {"address": "203.0.113.7", "stats": OUTSIDE, "rtmp": OUTSIDE}
        stack.enter_context(running(publisher(ingest.rtmp_port)))
        ingest.wait_state("live")
        operator = Terminal(tmp_path, coordinator, stack.enter_context(receiving()))
        stack.callback(operator.clean)
        yield operator


def test_the_page_s_commands_work_in_their_order(terminal: Terminal) -> None:
    """From the doctor to the move to another machine, where it is the same node."""
    assert len(BLOCKS) == STOP + 1, "a command was added to or taken from docs/operator.md"
    terminal.type(DOCTOR)
    terminal.type(START)
    wait_for("a running node", lambda: _is_well(terminal), lambda: terminal.type(LOOK))
    first = terminal.type(LOOK)
    terminal.type(EXAMINE)
    terminal.type(NOTIFY)
    assert terminal.notices.titles == ["a test"]
    terminal.type(UPDATE)
    terminal.type(TAKE)
    terminal.forget()
    terminal.type(BRING)
    terminal.type(START)
    wait_for("a running node", lambda: _is_well(terminal), lambda: terminal.type(LOOK))
    again = terminal.type(LOOK)
    terminal.type(STOP)
    assert _node_id(first) == _node_id(again)


def _is_well(terminal: Terminal) -> bool:
    argv = [*runner(), "exec", terminal.name, "python3", "-m", "agent.health"]
    done = subprocess.run(argv, capture_output=True, timeout=COMMAND_S_MAX, check=False)
    return done.returncode == 0


def _node_id(printed: str) -> str:
    found = re.search(r'"node_id": "(n[a-z2-7]{19})"', printed)
    assert found, printed
    return found[1]
