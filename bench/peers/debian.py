"""Debian's packages of what we are measured beside, fetched through apt and only unpacked.

Unpacked packages need no administrator, install no system service, and are gone with `make clean`.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from bench.report import BUILD, NotMeasurableError

PEERS = BUILD / "peers"
PACKAGES = {
    "prometheus": "prometheus",
    "prometheus-blackbox-exporter": "prometheus-blackbox-exporter",
}
FETCH_SECONDS_MAX = 300


def peer(program: str) -> str:
    """The path of a peer's program, fetched when it is missing."""
    unpacked = PEERS / "usr" / "bin" / program
    found = shutil.which(program)
    if found is None and not unpacked.exists():
        _fetch(PACKAGES[program])
    if found is None and not unpacked.exists():
        raise NotMeasurableError(f"Install {PACKAGES[program]}: its package has no {program}.")
    return found or str(unpacked)


def unpacked(package: str, path: str) -> Path:
    """A file of a package, by its path in there, fetched when it is missing."""
    found = PEERS / path
    if not found.exists():
        _fetch(package)
    if not found.exists():
        raise NotMeasurableError(f"The package {package} has no {path}.")
    return found


def version_of(program: str) -> str:
    """The program's version, like 2.42.0."""
    told = subprocess.run((program, "--version"), capture_output=True, text=True, check=True)
    words = (told.stdout + told.stderr).split()
    return words[words.index("version") + 1].partition("+")[0]


def _fetch(package: str) -> None:
    PEERS.mkdir(parents=True, exist_ok=True)
    command = ("apt-get", "download", "-q", package)
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise NotMeasurableError(f"Install {package} by hand and repeat: there is no apt here.")
    print(f"fetching {package}", flush=True)
    if not _run(command):
        administrator = _administrator()
        if administrator is None or not _run((*administrator, "apt-get", "update", "-q")):
            raise NotMeasurableError(f"Install as an administrator: apt-get install {package}")
        if not _run(command):
            raise NotMeasurableError(f"apt cannot fetch {package}: install it and repeat.")
    for archive in PEERS.glob(f"{package}_*.deb"):
        _run(("dpkg-deb", "-x", str(archive), str(PEERS)))
        archive.unlink()


def _administrator() -> tuple[str, ...] | None:
    if os.geteuid() == 0:
        return ()
    return ("sudo", "-n") if shutil.which("sudo") and _run(("sudo", "-n", "true")) else None


def _run(command: Sequence[str]) -> bool:
    done = subprocess.run(
        command, cwd=PEERS, capture_output=True, check=False, timeout=FETCH_SECONDS_MAX
    )
    return done.returncode == 0
