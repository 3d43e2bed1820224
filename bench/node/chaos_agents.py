"""What `make chaos-node` does to agents: it kills them, and strikes key and folder meanwhile.

Each returns when the last agent has just been started again.
"""

import stat
from collections.abc import Sequence
from pathlib import Path

from agent.node_key import KEY_FILE
from bench.node.chaos_scene import Scene
from bench.report import NotMeasurableError
from tests.e2e.agents import AgentProcess, read_only


def agents_killed(scene: Scene) -> None:
    """With -9."""
    for node in scene.nodes:
        _kill(node)
    _start_all(scene)


def key_damaged(scene: Scene) -> None:
    """Cut in half by a crash of the machine; the operator has a copy."""
    keys = []
    for number, node in enumerate(scene.nodes):
        _kill(node)
        file = _key_file(scene, number)
        keys.append(file.read_text())
        file.write_text(keys[-1][: len(keys[-1]) // 2])
        _see_refused(scene, number)
    for number, key in enumerate(keys):
        _key_file(scene, number).write_text(key)
    _start_all(scene)


def key_readable(scene: Scene) -> None:
    """Copied by hand, without a thought for its rights."""
    for number, node in enumerate(scene.nodes):
        _kill(node)
        _key_file(scene, number).chmod(0o644)
    _start_all(scene)


def see_rights_restored(scene: Scene, node: AgentProcess) -> None:
    """NotMeasurableError if its key can still be read by others."""
    mode = stat.S_IMODE(_key_file(scene, scene.nodes.index(node)).stat().st_mode)
    if mode != 0o600:
        raise NotMeasurableError(f"the key was left with mode {mode:04o}")


def folder_read_only(scene: Scene) -> None:
    """As after an error of the disk: a first start is refused, a node with a key goes on."""
    for number, node in enumerate(scene.nodes):
        _kill(node)
        file = _key_file(scene, number)
        kept = file.rename(file.with_name("kept"))
        _see_refused(scene, number, read_only(file.parent))
        kept.rename(file)
    _start_all(scene, is_read_only=True)


def ports_of(node: AgentProcess) -> dict[str, str]:
    """The settings that have a node come back where it was."""
    return {"RTMP_PORT": str(node.rtmp_port), "STATS_PORT": str(node.stats_port)}


def _kill(node: AgentProcess) -> None:
    node.process.kill()
    node.wait()


def _start_all(scene: Scene, *, is_read_only: bool = False) -> None:
    for number, old in enumerate(scene.nodes):
        wrapper = read_only(_key_file(scene, number).parent) if is_read_only else ()
        scene.nodes[number] = scene.start_node(number, wrapper, **ports_of(old))


def _see_refused(scene: Scene, number: int, wrapper: Sequence[str] = ()) -> None:
    refused = scene.start_node(number, wrapper, **ports_of(scene.nodes[number]))
    if refused.wait() != 1:
        raise NotMeasurableError(f"it was not refused\n{refused.output}")


def _key_file(scene: Scene, number: int) -> Path:
    return scene.folder / f"node-{number}" / KEY_FILE
