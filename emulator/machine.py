"""What the demo needs from this machine, and how it gets it: system packages, nothing else.

Packages are installed only as root or where sudo asks no password; otherwise one sentence says
what to install. Installing nginx must not start it: the demo runs its own, unprivileged.
"""

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from emulator import firestore, publisher

POLICY = Path("/usr/sbin/policy-rc.d")
JAVA_MIN = 17
EMULATOR_PACKAGE = "google-cloud-cli-firestore-emulator"
EMULATOR_COMPONENT = "cloud-firestore-emulator"
INSTALL_SECONDS_MAX = 900
ASK_SECONDS_MAX = 60
_MODULE = Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")
_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"


class MachineError(Exception):
    """Something is missing and cannot be installed from here. The message says what to do."""


@dataclass(frozen=True, slots=True)
class Need:
    """One tool: its packages on Debian and Ubuntu, the best first, and whether it is there."""

    choices: tuple[str, ...]
    is_met: Callable[[], bool]

    def package(self) -> str:
        """The best choice that apt knows."""
        return next((name for name in self.choices if _apt_knows(name)), self.choices[-1])


NEEDS = (
    Need(("ffmpeg",), lambda: _on_path("ffmpeg") and _on_path("ffprobe")),
    Need(("nginx",), lambda: _on_path("nginx")),
    Need(("libnginx-mod-rtmp",), _MODULE.exists),
    Need(
        ("openjdk-21-jre-headless", "openjdk-17-jre-headless", "default-jre-headless"),
        lambda: java_version() >= JAVA_MIN,
    ),
    Need(("fonts-dejavu-core",), lambda: publisher.font() is not None),
)


TEST_NEEDS = (
    *NEEDS,
    Need(("chromium", "chromium-browser"), lambda: _on_path("chromium")),
    Need(("mpv",), lambda: _on_path("mpv")),
    Need(("faketime",), lambda: _on_path("faketime")),
)
"""What the tests need beside: a browser for the pages, a player for the playlist, wrong clocks."""


def complete(needs: Sequence[Need] = NEEDS) -> None:
    """Installs whatever is missing. Raises MachineError with a sentence if it cannot be done."""
    if any(not need.is_met() for need in needs):
        _refresh()
        _install([need.package() for need in needs if not need.is_met()])
    if still := [need.package() for need in needs if not need.is_met()]:
        raise MachineError(f"Still missing after the installation: {' '.join(still)}.")
    if not _has_emulator():
        _install_emulator()


def java_version() -> int:
    """The major version of the Java on PATH; 0 if there is none."""
    try:
        told = subprocess.run(
            ("java", "-version"),
            capture_output=True,
            text=True,
            timeout=ASK_SECONDS_MAX,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0
    return java_major(told.stderr + told.stdout)


def java_major(told: str) -> int:
    """From what `java -version` prints: 17 of "17.0.15", 8 of "1.8.0_412"; 0 if it says none."""
    match = re.search(r'version "(?:1\.)?(\d+)', told)
    return int(match[1]) if match else 0


def _on_path(program: str) -> bool:
    return shutil.which(program, path=_PATH) is not None


def _has_emulator() -> bool:
    try:
        firestore.command("127.0.0.1:1")
    except firestore.EmulatorError:
        return False
    return True


def _install_emulator() -> None:
    """By apt or by gcloud, if one of them knows it. Raises MachineError if none does."""
    if _apt_knows(EMULATOR_PACKAGE):
        _install([EMULATOR_PACKAGE])
    elif gcloud := shutil.which("gcloud"):
        _run((gcloud, "--quiet", "components", "install", EMULATOR_COMPONENT))
    if not _has_emulator():
        raise MachineError(firestore.MISSING)


def _install(packages: Sequence[str]) -> None:
    """apt-get install. Raises MachineError with the command to type if that cannot be done."""
    command = f"apt-get install {' '.join(packages)}"
    may = _privilege()
    if may is None or not _on_path("apt-get"):
        raise MachineError(f"Missing on this machine; install as an administrator: {command}")
    print(f"installing {' '.join(packages)}", flush=True)
    quietly = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-q", "-y")
    with _services_kept_off(may):
        if not _run((*may, *quietly, "--no-install-recommends", *packages)):
            raise MachineError(f"This failed, its output is above; repair and repeat it: {command}")


def _refresh() -> None:
    """apt's lists of packages, where we may; a new machine has none at all."""
    if (may := _privilege()) is not None and _on_path("apt-get"):
        _run((*may, "apt-get", "update", "-q"))


def _privilege() -> tuple[str, ...] | None:
    """The prefix that makes a command an administrator's; None if there is none."""
    if os.geteuid() == 0:
        return ()
    if _on_path("sudo") and _run(("sudo", "-n", "true"), quiet=True):
        return ("sudo", "-n")
    return None


@contextlib.contextmanager
def _services_kept_off(may: tuple[str, ...]) -> Iterator[None]:
    """Debian's own switch against services that start on installation, unless already set."""
    if POLICY.exists():
        yield
        return
    write = f"printf '#!/bin/sh\\nexit 101\\n' > {POLICY} && chmod 755 {POLICY}"
    _run((*may, "sh", "-c", write))
    try:
        yield
    finally:
        _run((*may, "rm", "-f", str(POLICY)))


def _apt_knows(package: str) -> bool:
    return _on_path("apt-cache") and _run(("apt-cache", "show", package), quiet=True)


def _run(argv: Sequence[str], quiet: bool = False) -> bool:
    """Whether the command succeeded; its output goes where ours goes."""
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=quiet,
            timeout=ASK_SECONDS_MAX if quiet else INSTALL_SECONDS_MAX,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
