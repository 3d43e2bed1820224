"""Strangers' name servers that never answer cost nobody else their names."""

import os
import re
import subprocess
import sys
from pathlib import Path

from coordinator.adapters.outbound import LIMITS
from tests.integration.silent_names import HONEST

ROOT = Path(__file__).parents[2]
SECONDS_MAX = 60.0
_SET = re.compile(r'RES_OPTIONS\s*=\s*"(timeout:(\d+) attempts:(\d+))"')


def _deployed(place: str) -> re.Match[str]:
    """What a file of the deployment tells the C library's resolver."""
    (found,) = _SET.finditer((ROOT / place).read_text())
    return found


def test_a_thread_is_free_again_when_its_call_has_ended_wherever_functions_run() -> None:
    """Of the library's own accord it asks for ten seconds, and twice: a packet may be lost."""
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
    assert (done.returncode, done.stdout) == (0, f"{HONEST}\n"), done.stderr
