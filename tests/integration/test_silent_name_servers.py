"""Strangers' name servers that never answer do not hold everybody's resolvers for long."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from coordinator.adapters.outbound.guard import RESOLVERS_MAX
from coordinator.adapters.outbound.replies import LIMITS
from tests.integration.silent_names import HONEST

ROOT = Path(__file__).parents[2]
SECONDS_MAX = 60.0
_SET = re.compile(r'RES_OPTIONS\s*=\s*"(timeout:(\d+) attempts:(\d+))"')


def _deployed(place: str) -> re.Match[str]:
    """What a file of the deployment tells the C library's resolver."""
    (found,) = _SET.finditer((ROOT / place).read_text())
    return found


def test_a_thread_is_held_no_longer_than_a_poll_waits_wherever_functions_run() -> None:
    """Of its own accord the C library asks for ten seconds. Twice: a packet may be lost."""
    image, functions = _deployed("functions/Dockerfile"), _deployed("terraform/functions.tf")
    assert image[1] == functions[1]
    assert int(image[3]) >= 2
    assert int(image[2]) * int(image[3]) <= LIMITS.resolve_seconds


def test_honest_names_are_resolved_behind_a_crowd_of_silent_ones(tmp_path: Path) -> None:
    """With what the functions' image sets, in a network of its own."""
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    (tmp_path / "nsswitch.conf").write_text("hosts: dns\n")
    rights = () if os.geteuid() == 0 else ("--map-root-user",)
    own_network = ("unshare", *rights, "--net", "--mount", "sh", "-c")
    begin = 'for f in resolv nsswitch; do mount --bind "$0/$f.conf" /etc/$f.conf; done; exec "$@"'
    program = (sys.executable, "-m", "tests.integration.silent_names")
    done = subprocess.run(
        (*own_network, begin, str(tmp_path), *program),
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
    told = json.loads(done.stdout)
    assert told["honest then"] == {"resolved": HONEST}
    # The places were taken, which is nobody's fault who waited for one.
    assert told["honest meanwhile"].keys() <= {"resolved", "unknown:internal"}
    assert told["silent"].keys() == {"name_unresolved", "unknown:internal"}
    assert told["silent"]["name_unresolved"] >= RESOLVERS_MAX
