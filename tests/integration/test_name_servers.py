"""Strangers' name servers: who holds resolvers for how long, and who is to blame for a name."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from coordinator.adapters.outbound.guard import RESOLVERS_MAX
from coordinator.adapters.outbound.replies import LIMITS
from tests.integration.judged_names import BROKEN
from tests.integration.silent_names import HONEST, SILENT

ROOT = Path(__file__).parents[2]
SECONDS_MAX = 60.0
_SET = re.compile(r'RES_OPTIONS\s*=\s*"(timeout:(\d+) attempts:(\d+))"')


def _deployed(place: str) -> re.Match[str]:
    """What a file of the deployment tells the C library's resolver."""
    (found,) = _SET.finditer((ROOT / place).read_text())
    return found


def test_a_thread_is_held_no_longer_than_a_poll_waits_wherever_functions_run() -> None:
    """Of its own accord the C library asks for ten seconds. Twice: a packet may be lost."""
    image = _deployed("functions/Dockerfile")
    assert int(image[3]) >= 2
    assert int(image[2]) * int(image[3]) <= LIMITS.resolve_seconds
    for place in ("terraform/functions.tf", "compose.yaml"):
        assert "RES_OPTIONS" not in (ROOT / place).read_text()


def _told(program: str, folder: Path) -> dict[str, Any]:
    """What a program prints in a network of its own, with what the functions' image sets."""
    (folder / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    (folder / "nsswitch.conf").write_text("hosts: dns\n")
    rights = () if os.geteuid() == 0 else ("--map-root-user",)
    own_network = ("unshare", *rights, "--net", "--mount", "sh", "-c")
    begin = 'for f in resolv nsswitch; do mount --bind "$0/$f.conf" /etc/$f.conf; done; exec "$@"'
    done = subprocess.run(
        (*own_network, begin, str(folder), sys.executable, "-m", program),
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{ROOT / 'functions'}:{ROOT}",
            "RES_OPTIONS": _deployed("functions/Dockerfile")[1],
        },
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_honest_names_are_resolved_behind_a_crowd_of_silent_ones(tmp_path: Path) -> None:
    """The places were taken, which is nobody's fault who waited for one: the first time. S1: of 800
    silent names 736 were unknown in every sweep. Names that answer have places of their own."""
    told = _told("tests.integration.silent_names", tmp_path)
    assert told["honest then"] == {"resolved": HONEST}
    assert told["honest meanwhile"].keys() <= {"resolved", "unknown:internal"}
    assert told["silent"].keys() == {"name_unresolved", "unknown:internal"}
    assert told["silent"]["name_unresolved"] >= RESOLVERS_MAX
    assert told["known meanwhile"] == {"resolved": HONEST}
    assert told["silent again"] == {"name_unresolved": SILENT}


def test_a_node_that_answers_that_its_network_is_unreachable_is_down(tmp_path: Path) -> None:
    """One rule of a firewall, ICMP type 3 code 0, made all its minutes unknown. Where there is no
    route at all, that is our own fault."""
    assert _told("tests.integration.unreachable_peer", tmp_path) == {
        "refused by ICMP": "connect_failed",
        "without a route": "unknown:internal",
    }


def test_a_name_is_to_blame_only_while_control_names_resolve(tmp_path: Path) -> None:
    """Whatever its own name server does: else that could make its node's minutes `unknown`."""
    told = _told("tests.integration.judged_names", tmp_path)
    assert told["works"].pop("honest") == "resolved"
    assert set(told["works"].values()) == {"name_unresolved"}
    for breaks in BROKEN:
        assert set(told[breaks].values()) == {"unknown:resolver"}, breaks
    assert told["works again"] == {"servfail": "name_unresolved"}
