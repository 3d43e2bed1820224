"""Machines that are network namespaces of our own making, joined by a router that can cut each.

`enter` puts this program into namespaces of its own, of networks and of mounts: whatever is cut,
routed or mounted there is gone with it, and touches nothing else. It needs iproute2 and util-linux,
and root or a kernel that lets users have namespaces.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.report import NotMeasurableError

_INSIDE = "BENCH_INSIDE_NAMESPACES"
_IP_SECONDS_MAX = 20.0
_CUT_PREFERENCE = "5"
"""Of the routing rules that cut: before all routes but those to this machine itself."""
CROWD = "10.200.0.0/16"
"""Addresses that are all ours: who is to look like many strangers calls from them."""


def enter(module: str) -> None:
    """Runs the module again inside, in this process's place; returns if this is inside already.

    NotMeasurableError where it may not."""
    if os.environ.get(_INSIDE):
        _prepare()
        return
    if missing := [name for name in ("unshare", "nsenter", "ip") if not shutil.which(name)]:
        raise NotMeasurableError(f"Missing: {', '.join(missing)} (util-linux and iproute2).")
    rights = () if os.geteuid() == 0 else ("--user", "--map-root-user")
    apart = ("unshare", *rights, "--net", "--mount")
    tried = subprocess.run((*apart, "true"), capture_output=True, text=True, check=False)
    if tried.returncode:
        raise NotMeasurableError(f"No namespaces of one's own are allowed: {tried.stderr.strip()}")
    argv = (*apart, sys.executable, "-m", module, *sys.argv[1:])
    os.execvpe(argv[0], argv, os.environ | {_INSIDE: "1"})  # noqa: S606 - it takes our place


def _prepare() -> None:
    mounted("/run", size="1m")  # where namespaces get their names
    _ip("link set lo up", f"route add local {CROWD} dev lo")
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")


def mounted(folder: str | Path, size: str) -> None:
    """A disk of its own for a folder, gone with this program. NotMeasurableError."""
    Path(folder).mkdir(exist_ok=True)
    _run(("mount", "-t", "tmpfs", "-o", f"size={size},mode=0755", "restream-bench", str(folder)))


class Machines:
    """Machines by name, each with an address in a network of its own."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def add(self, name: str) -> str:
        """A new machine; its address. NotMeasurableError."""
        number = self._numbers.setdefault(name, len(self._numbers) + 1)
        within, inner, outer = f"m{number}", self.address(name), f"10.{number}.0.1"
        _ip(
            f"netns add {within}",
            f"link add v{number} type veth peer name eth0 netns {within}",
            f"addr add {outer}/24 dev v{number}",
            f"link set v{number} up",
        )
        _ip(
            "link set lo up",
            f"addr add {inner}/24 dev eth0",
            "link set eth0 up",
            f"route add default via {outer}",
            netns=within,
        )
        return inner

    def address(self, name: str) -> str:
        """Where a machine is called."""
        return f"10.{self._numbers[name]}.0.2"

    def wrapper(self, name: str) -> tuple[str, ...]:
        """What a command is begun with to run on a machine; it becomes the command."""
        return ("nsenter", f"--net=/run/netns/m{self._numbers[name]}")

    def cut(self, name: str) -> None:
        """From now on no packet leaves or reaches it, and nobody is told."""
        _ip(*(f"rule add {rule}" for rule in self._rules(name)))

    def heal(self, name: str) -> None:
        """As before it was cut."""
        _ip(*(f"rule del {rule}" for rule in self._rules(name)))

    def _rules(self, name: str) -> tuple[str, ...]:
        address, how = self.address(name), f"pref {_CUT_PREFERENCE} blackhole"
        return (f"from {address} {how}", f"to {address} {how}")


def _ip(*orders: str, netns: str = "") -> None:
    argv = ("ip", *(("-n", netns) if netns else ()), "-batch", "-")
    _run(argv, "\n".join(orders) + "\n")


def _run(argv: Sequence[str], said: str = "") -> None:
    done = subprocess.run(
        argv, input=said, capture_output=True, text=True, timeout=_IP_SECONDS_MAX, check=False
    )
    if done.returncode:
        raise NotMeasurableError(f"{' '.join(argv)}: {done.stderr.strip()}\n{said}")
