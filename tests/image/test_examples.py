"""The examples: each is read, and a container is really run with exactly the rights it gives."""

import os
import re
import secrets
import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.settings import VARIABLES
from tests.e2e.coordinator_stand_in import STREAM_ID, CoordinatorStandIn
from tests.e2e.watched import HOST, running
from tests.image.containers import IMAGE, ContainerAgent, build, remove_volume
from tests.image.tools import call
from tests.ports import free_port

EXAMPLES = Path(__file__).parents[2] / "node_image" / "examples"
NAMES = {variable.name for variable in VARIABLES}


def _compose() -> dict[str, Any]:
    document = yaml.safe_load((EXAMPLES / "compose.yaml").read_text())
    service: dict[str, Any] = document["services"]["node"]
    return service


def _pod() -> dict[str, Any]:
    for document in yaml.safe_load_all((EXAMPLES / "kubernetes.yaml").read_text()):
        if document["kind"] == "Deployment":
            pod: dict[str, Any] = document["spec"]["template"]["spec"]
            return pod
    raise AssertionError("no Deployment in kubernetes.yaml")


def _service_command() -> list[str]:
    text = (EXAMPLES / "restream-node.service").read_text().replace("\\\n", " ")
    command = re.search(r"^ExecStart=(.*)$", text, re.MULTILINE)
    assert command
    return shlex.split(command[1])


def rights_of_compose() -> list[str]:
    """As options of a container's run."""
    service = _compose()
    assert service["read_only"] is True
    return [
        "--read-only",
        *(f"--tmpfs={mount}" for mount in service["tmpfs"]),
        *(f"--cap-drop={name}" for name in service["cap_drop"]),
        *(f"--security-opt={name.removesuffix(':true')}" for name in service["security_opt"]),
    ]


def rights_of_the_pod() -> list[str]:
    """As options of a container's run."""
    pod = _pod()
    own, container = pod["securityContext"], pod["containers"][0]
    rights = container["securityContext"]
    assert own["runAsNonRoot"] is True
    assert rights["readOnlyRootFilesystem"] is True
    assert rights["allowPrivilegeEscalation"] is False
    tmp = {m["name"]: m["mountPath"] for m in container["volumeMounts"]}["tmp"]
    return [
        "--read-only",
        f"--user={own['runAsUser']}:{own['runAsGroup']}",
        f"--memory={container['resources']['limits']['memory'].removesuffix('i').lower()}",
        "--security-opt=no-new-privileges",
        f"--tmpfs={tmp}:size=16m",
        *(f"--cap-drop={name}" for name in rights["capabilities"]["drop"]),
    ]


def rights_of_the_service() -> list[str]:
    """Its options without those that name, publish, mount and set."""
    words = _service_command()
    options = words[words.index("run") + 1 : -1]
    kept, at = [], 0
    while at < len(options):
        if options[at] in ("--name", "--publish", "--volume", "--env"):
            at += 2
            continue
        kept.append(options[at])
        at += 1
    kept.remove("--rm")
    return kept


@pytest.fixture
def volume() -> Iterator[str]:
    """For one container."""
    name = f"restream-test-{secrets.token_hex(4)}"
    yield name
    remove_volume(name)


@pytest.mark.parametrize(
    "rights",
    [rights_of_compose, rights_of_the_pod, rights_of_the_service],
    ids=lambda f: f.__name__,
)
def test_a_node_is_well_with_exactly_the_rights_of_each_example(
    rights: Callable[[], list[str]], volume: str
) -> None:
    """It needs no more than these; what it needs of the network is its own test."""
    build(IMAGE)
    coordinator = CoordinatorStandIn(f"rtmp://{HOST}:{free_port()}/live/{STREAM_ID}")
    coordinator.start()
    try:
        node = ContainerAgent(
            volume, coordinator.url, rights=("--network=host", *rights()), STREAM_ID=STREAM_ID
        )
        with running(node):
            node.wait_until("health", lambda: node.get("/healthz")[0] == 200)
    finally:
        coordinator.stop()


def test_the_examples_set_only_what_exists_and_publish_what_the_node_announces() -> None:
    """Both ports, and a goodbye that is longer than the drain."""
    service, container = _compose(), _pod()["containers"][0]
    assert service["environment"].keys() <= NAMES
    assert {item["name"] for item in container["env"]} <= NAMES
    command = _service_command()
    given = {command[at + 1] for at, word in enumerate(command) if word == "--env"}
    assert given <= NAMES
    assert service["ports"] == ["1935:1935", "8080:8080"]
    assert [p["hostPort"] for p in container["ports"]] == [1935, 8080]
    assert [command[at + 1] for at, w in enumerate(command) if w == "--publish"] == service["ports"]
    drain_s = int(service["environment"]["DRAIN_SECONDS"])
    assert int(service["stop_grace_period"].removesuffix("s")) > drain_s
    assert _pod()["terminationGracePeriodSeconds"] > drain_s


def test_the_service_is_one_that_systemd_understands(tmp_path: Path) -> None:
    """Checked by systemd's own verifier, with a program in docker's place where there is none."""
    assert shutil.which("systemd-analyze"), "Install it: apt-get install systemd"
    text = (EXAMPLES / "restream-node.service").read_text()
    unit = tmp_path / "restream-node.service"
    unit.write_text(text.replace("/usr/bin/docker", "/bin/true"))
    docker = "[Service]\nType=oneshot\nExecStart=/bin/true\n"
    (tmp_path / "docker.service").write_text(docker)
    env = {**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:/usr/lib/systemd/system"}
    call(["systemd-analyze", "verify", "--man=no", str(unit)], env=env)
