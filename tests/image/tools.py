"""Programs that the image's tests run, and what to install where one is missing."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

PACKAGES = {"g++": "g++", "make": "make", "git": "git", "ffmpeg": "ffmpeg"}
CALL_S_MAX = 120.0


def need(*programs: str) -> None:
    """Fail with a sentence if a program is missing: nothing is skipped."""
    missing = [PACKAGES.get(name, name) for name in programs if shutil.which(name) is None]
    assert not missing, f"Install what these tests run: apt-get install {' '.join(missing)}"


def call(
    argv: Sequence[str],
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    seconds: float = CALL_S_MAX,
) -> str:
    """Run a program that has to succeed; returns what it printed, and shows it if it fails."""
    done = subprocess.run(
        argv, cwd=cwd, env=env, capture_output=True, text=True, timeout=seconds, check=False
    )
    assert done.returncode == 0, f"{' '.join(argv)}\n{done.stdout}\n{done.stderr}"
    return done.stdout
