"""What the demo needs from this machine, and how it gets it: system packages and one file.

Packages are installed only as root or where sudo asks no password; otherwise one sentence says
what to install.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from emulator import firestore_emulator as firestore
from emulator import firestore_jar, packages, publisher
from emulator.packages import PackagesError

JAVA_MIN = 17
EMULATOR_PACKAGE = "google-cloud-cli-firestore-emulator"
EMULATOR_COMPONENT = "cloud-firestore-emulator"
ASK_SECONDS_MAX = 60
COMPONENT_SECONDS_MAX = 900
LOCK = Path(__file__).resolve().parents[1] / "build" / "setup.lock"
_MODULE = Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")


class MachineError(Exception):
    """Something is missing and cannot be installed from here. The message says what to do."""


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool: its packages on Debian and Ubuntu, the best first, and whether it is there."""

    choices: tuple[str, ...]
    is_met: Callable[[], bool]

    def package(self) -> str:
        """The best choice that apt knows."""
        return next((name for name in self.choices if packages.is_known(name)), self.choices[-1])


NEEDS = (
    Tool(("ffmpeg",), lambda: _on_path("ffmpeg") and _on_path("ffprobe")),
    Tool(("nginx",), lambda: _on_path("nginx")),
    Tool(("libnginx-mod-rtmp",), _MODULE.exists),
    Tool(
        ("openjdk-21-jre-headless", "openjdk-17-jre-headless", "default-jre-headless"),
        lambda: java_version() >= JAVA_MIN,
    ),
    Tool(("fonts-dejavu-core",), lambda: publisher.font() is not None),
)


def _has_library(name: str) -> bool:
    """In the folder of whatever architecture this is."""
    return any(Path("/usr/lib").glob(f"*/{name}"))


TEST_NEEDS = (
    *NEEDS,
    Tool(("chromium", "chromium-browser"), lambda: _on_path("chromium")),
    Tool(("mpv",), lambda: _on_path("mpv")),
    Tool(("faketime",), lambda: _on_path("faketime")),
    Tool(("vlc-bin",), lambda: _on_path("cvlc")),
    Tool(("vlc-plugin-base",), lambda: _has_library("vlc/plugins/access/libavio_plugin.so")),
    Tool(("rtmpdump",), lambda: _on_path("rtmpdump")),
    Tool(("gstreamer1.0-tools",), lambda: _on_path("gst-launch-1.0")),
    *(
        Tool(
            (f"gstreamer1.0-plugins-{part}",),
            partial(_has_library, f"gstreamer-1.0/libgst{of_it}.so"),
        )
        for part, of_it in (
            ("base", "videotestsrc"),
            ("good", "flv"),
            ("bad", "rtmp2"),
            ("ugly", "x264"),
        )
    ),
)
"""What the tests need beside: a browser for the pages, wrong clocks, and what people play and
publish with."""


OUTSIDE: Mapping[str, tuple[Callable[[], bool], str]] = {
    "terraform": (
        lambda: _on_path("terraform"),
        "Terraform 1.11 or later on PATH (https://developer.hashicorp.com/terraform/install)",
    ),
    "containers": (
        lambda: bool(os.environ.get("BUILD_OFFLINE")) or _runs_containers(),
        "docker or podman, running (apt-get install podman), or a program named in BUILD_OFFLINE",
    ),
}
"""By name: what the set-up cannot bring, whether it is there, and what to say."""


def demand(names: Sequence[str]) -> None:
    """Raises MachineError with one sentence that names whatever is missing."""
    if missing := [says for is_there, says in map(OUTSIDE.__getitem__, names) if not is_there()]:
        raise MachineError(f"Missing on this machine: {'; and '.join(missing)}.")


def _runs_containers() -> bool:
    return any(packages.succeeds((program, "info")) for program in ("docker", "podman"))


def complete(needs: Sequence[Tool] = NEEDS) -> None:
    """Installs whatever is missing.

    Raises MachineError, PackagesError, EmulatorError or JarError."""
    if packages.is_untidy() or not _is_complete(needs):
        with packages.alone(LOCK) as held:
            packages.tidy()
            _complete(needs, held)


def _is_complete(needs: Sequence[Tool]) -> bool:
    return _has_emulator() and all(need.is_met() for need in needs)


def _complete(needs: Sequence[Tool], held: IO[str]) -> None:
    if missing := [need for need in needs if not need.is_met()]:
        packages.refresh()
        packages.install([need.package() for need in missing], held)
    if still := [need.package() for need in needs if not need.is_met()]:
        raise MachineError(f"Still missing after the installation: {' '.join(still)}.")
    if not _has_emulator():
        _get_emulator(held)


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
    for word in told.partition('version "')[2].removeprefix("1.").replace('"', ".").split("."):
        return int(word) if word.isdigit() else 0
    return 0


def _on_path(program: str) -> bool:
    return shutil.which(program, path=packages.search_path()) is not None


def _has_emulator() -> bool:
    """Raises firestore.EmulatorError if a jar is named that is not there."""
    return firestore.jar_path(os.environ) is not None


def _get_emulator(held: IO[str]) -> None:
    """By apt or by gcloud, if one of them knows it; else Google's own file is fetched.

    Raises MachineError or JarError if none of it helps."""
    for get in (partial(_by_apt, held), _by_gcloud, _by_fetching):
        get()
        if _has_emulator():
            return
    raise MachineError(firestore.MISSING)


def _by_apt(held: IO[str]) -> None:
    if packages.privilege() is not None and packages.is_known(EMULATOR_PACKAGE):
        try:
            packages.install([EMULATOR_PACKAGE], held)
        except PackagesError as error:
            print(error, flush=True)


def _by_gcloud() -> None:
    if gcloud := shutil.which("gcloud"):
        # A gcloud that came as a package refuses, and says so.
        packages.run(
            (gcloud, "--quiet", "components", "install", EMULATOR_COMPONENT), COMPONENT_SECONDS_MAX
        )


def _by_fetching() -> None:
    firestore_jar.fetch(firestore_jar.cache_folder(os.environ))
