"""System packages of Debian and Ubuntu: asked for, installed, and never started.

Installing nginx must not start it: the demo runs its own, unprivileged. Debian's only switch for
that is a file. Ours is removed by the very shell that runs apt-get, which outlives us; should that
be killed too, the next set-up knows the file by its text and removes it.
"""

import contextlib
import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

POLICY = Path("/usr/sbin/policy-rc.d")
POLICY_TEXT = "#!/bin/sh\n# Made by the set-up of restream, which removes it again.\nexit 101\n"
ASK_SECONDS_MAX = 60
LOCK_SECONDS_MAX = 600
"""For another apt-get, such as one that an interrupted set-up left running."""

# A signal to the whole group (Ctrl-C) ends apt-get; the shell then still removes its file.
_INSTALL = """\
trap : HUP INT TERM
policy=$1 text=$2
shift 2
if [ ! -e "$policy" ]; then
    printf %s "$text" >"$policy" && chmod 755 "$policy"
    mine=yes
fi
export DEBIAN_FRONTEND=noninteractive
# What an earlier, interrupted installation left unfinished; nothing, most of the time.
dpkg --configure -a
apt-get install -q -y --no-install-recommends -o "DPkg::Lock::Timeout=$LOCK_SECONDS" "$@"
status=$?
if [ "${mine:-}" ]; then
    rm -f "$policy"
fi
exit $status
"""


class PackagesError(Exception):
    """Packages cannot be installed from here. The message says what to type."""


def search_path() -> str:
    """PATH, and where Debian keeps an administrator's programs."""
    return f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"


def privilege() -> tuple[str, ...] | None:
    """The prefix that makes a command an administrator's; None if there is none."""
    if os.geteuid() == 0:
        return ()
    if _on_path("sudo") and succeeds(("sudo", "-n", "true")):
        return ("sudo", "-n")
    return None


def is_known(package: str) -> bool:
    """Whether apt could install it."""
    return _on_path("apt-cache") and succeeds(("apt-cache", "show", package))


def refresh() -> None:
    """apt's lists of packages, where we may; a new machine has none at all."""
    if (may := privilege()) is not None and _on_path("apt-get"):
        lock = f"DPkg::Lock::Timeout={LOCK_SECONDS_MAX}"
        run((*may, "apt-get", "update", "-q", "-o", lock), LOCK_SECONDS_MAX)


@contextlib.contextmanager
def alone(lock: Path) -> Iterator[IO[str]]:
    """Waits for other set-ups, and for what an interrupted one left running."""
    with _opened(lock) as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("waiting for another set-up to end", flush=True)
            fcntl.flock(held, fcntl.LOCK_EX)
        yield held


def _opened(lock: Path) -> IO[str]:
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        return lock.open("a+")
    except PermissionError:
        return open(os.devnull)  # who may not even write here installs nothing


def install(names: Sequence[str], held: IO[str], policy: Path = POLICY) -> None:
    """Raises PackagesError with the command to type if it cannot be done.

    `held` is the lock of `alone`: the installation keeps it until its own end."""
    command = f"apt-get install {' '.join(names)}"
    may = privilege()
    if may is None or not _on_path("apt-get"):
        raise PackagesError(f"Missing on this machine; install as an administrator: {command}")
    print(f"installing {' '.join(names)}", flush=True)
    script = _INSTALL.replace("$LOCK_SECONDS", str(LOCK_SECONDS_MAX))
    # As standard input, since sudo closes everything above it.
    if not run((*may, "sh", "-c", script, "sh", str(policy), POLICY_TEXT, *names), stdin=held):
        raise PackagesError(f"This failed, its output is above; repair and repeat it: {command}")


def is_untidy(policy: Path = POLICY) -> bool:
    """Whether our file is there: a set-up runs, or was killed so hard that it could not go on."""
    try:
        return policy.read_text() == POLICY_TEXT
    except (OSError, ValueError):
        return False


def tidy(policy: Path = POLICY) -> None:
    """Removes our file. Only for who is alone: it may be in use."""
    if is_untidy(policy) and (may := privilege()) is not None:
        run((*may, "rm", "-f", str(policy)), ASK_SECONDS_MAX)


def run(
    argv: Sequence[str], seconds_max: float | None = None, stdin: IO[str] | int = subprocess.DEVNULL
) -> bool:
    """Whether the command succeeded; its output goes where ours goes.

    An interrupt does not kill it: whatever it holds half done, it ends by itself."""
    try:
        with subprocess.Popen(argv, stdin=stdin) as process:
            try:
                return process.wait(seconds_max) == 0
            except subprocess.TimeoutExpired:
                process.terminate()
                return False
            except KeyboardInterrupt:
                process.wait()
                raise
    except OSError:
        return False


def _on_path(program: str) -> bool:
    return shutil.which(program, path=search_path()) is not None


def succeeds(argv: Sequence[str]) -> bool:
    """Whether a question is answered with yes; what it prints is not shown."""
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=ASK_SECONDS_MAX,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
