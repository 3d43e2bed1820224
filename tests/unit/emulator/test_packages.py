"""Packages are installed without a service being started, and nothing of it stays behind.

The real shell and the real locks; only apt-get, dpkg and sudo are small programs of the test's.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from emulator.demo.options import ROOT
from emulator.packages import POLICY_TEXT, alone, is_untidy, tidy
from tests.interrupts import as_on_a_terminal

WAIT_SECONDS_MAX = 20.0
_INSTALL = (
    "import sys; from pathlib import Path; from emulator import packages\n"
    "with packages.alone(Path('lock')) as held:\n"
    "    packages.tidy(Path('policy'))\n"
    "    packages.install(sys.argv[1:], held, Path('policy'))\n"
)


@dataclass(frozen=True)
class Machine:
    """A folder with an apt-get in it that waits until it is let go."""

    folder: Path

    @property
    def policy(self) -> Path:
        return self.folder / "policy"

    def write_program(self, name: str, script: str) -> None:
        path = self.folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    @contextlib.contextmanager
    def start(self, *packages: str) -> Iterator[subprocess.Popen[str]]:
        """The set-up's part that installs; whatever is left of it is killed with the block."""
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        process = subprocess.Popen(
            (sys.executable, "-c", _INSTALL, *packages),
            cwd=self.folder,
            env={"PATH": path, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=as_on_a_terminal,  # noqa: PLW1509 - one thread
        )
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()

    def let_go(self) -> None:
        (self.folder / "go").touch()

    def calls(self) -> list[str]:
        told = self.folder / "calls"
        return told.read_text().splitlines() if told.exists() else []

    def until(self, condition: Callable[[], bool], says: str) -> None:
        deadline_s = time.monotonic() + WAIT_SECONDS_MAX
        while not condition():
            assert time.monotonic() < deadline_s, f"{says}; calls: {self.calls()}"
            time.sleep(0.01)

    def until_it_installs(self) -> None:
        self.until(lambda: len(self.calls()) == 2, "apt-get was never called")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    tell = f'echo "${{0##*/}} $* [$(cat policy 2>/dev/null | tail -1)]" >>"{tmp_path}/calls"'
    made.write_program("dpkg", tell)
    made.write_program("sudo", 'shift; exec "$@"')
    wait = "while [ ! -e go ]; do sleep 0.02; done"
    made.write_program("apt-get", f"{tell}\n{wait}\nexit $(cat status 2>/dev/null || echo 0)")
    return made


def test_services_are_kept_off_while_packages_are_installed_and_not_longer(
    machine: Machine,
) -> None:
    with machine.start("nginx", "mpv") as process:
        machine.let_go()
        assert process.wait(WAIT_SECONDS_MAX) == 0
    unpacked, installed = machine.calls()
    assert unpacked == "dpkg --configure -a [exit 101]"
    assert installed.startswith("apt-get install -q -y ")
    assert installed.endswith(" nginx mpv [exit 101]")
    assert not machine.policy.exists()


def test_an_administrators_own_policy_stays_as_it_is(machine: Machine) -> None:
    machine.policy.write_text("#!/bin/sh\nexit 0\n")
    with machine.start("nginx") as process:
        machine.let_go()
        assert process.wait(WAIT_SECONDS_MAX) == 0
    assert machine.calls()[1].endswith("[exit 0]")
    assert machine.policy.read_text() == "#!/bin/sh\nexit 0\n"


def test_what_fails_is_said_with_the_command_to_repeat(machine: Machine) -> None:
    (machine.folder / "status").write_text("100")
    machine.let_go()
    with machine.start("nginx") as process:
        told = process.communicate(timeout=WAIT_SECONDS_MAX)[0]
    assert "repair and repeat it: apt-get install nginx" in told
    assert not machine.policy.exists()


def test_an_interrupt_leaves_nothing(machine: Machine) -> None:
    """Ctrl-C reaches the whole group: apt-get ends, and the shell still tidies up."""
    with machine.start("nginx") as process:
        machine.until_it_installs()
        os.killpg(process.pid, signal.SIGINT)
        told = process.communicate(timeout=WAIT_SECONDS_MAX)[0]
    assert process.returncode != 0
    assert "KeyboardInterrupt" in told
    assert not machine.policy.exists()


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGTERM])
def test_the_installation_outlives_a_killed_set_up_and_the_next_one_waits_for_it(
    machine: Machine, blow: signal.Signals
) -> None:
    with machine.start("nginx") as first:
        machine.until_it_installs()
        first.send_signal(blow)
        first.wait(WAIT_SECONDS_MAX)
        assert machine.policy.read_text() == POLICY_TEXT
        with machine.start("mpv") as second:
            assert second.stdout is not None
            assert "waiting for another set-up" in second.stdout.readline()
            assert len(machine.calls()) == 2
            machine.let_go()
            assert second.wait(WAIT_SECONDS_MAX) == 0
    assert machine.calls()[3].endswith(" mpv [exit 101]")
    assert not machine.policy.exists()


def test_when_all_of_it_is_killed_at_once_the_next_set_up_removes_what_is_left(
    machine: Machine,
) -> None:
    with machine.start("nginx") as process:
        machine.until_it_installs()
        os.killpg(process.pid, signal.SIGKILL)
    assert is_untidy(machine.policy)
    tidy(machine.policy)
    assert not machine.policy.exists()


def test_a_machine_without_apt_is_told_what_to_install(machine: Machine) -> None:
    (machine.folder / "bin" / "apt-get").unlink()
    (machine.folder / "bin" / "sudo").unlink()
    done = subprocess.run(
        (sys.executable, "-c", _INSTALL, "nginx"),
        cwd=machine.folder,
        env={"PATH": str(machine.folder / "bin"), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS_MAX,
        check=False,
    )
    says = "Missing on this machine; install as an administrator: apt-get install nginx"
    assert done.stderr.splitlines()[-1].endswith(says)
    assert machine.calls() == []


@pytest.mark.parametrize("text", ["", "#!/bin/sh\nexit 101\n", POLICY_TEXT + "exit 0\n"])
def test_a_policy_of_somebody_elses_is_never_removed(tmp_path: Path, text: str) -> None:
    policy = tmp_path / "policy"
    policy.write_text(text)
    tidy(policy)
    assert policy.read_text() == text


def test_who_may_not_write_here_is_alone_all_the_same() -> None:
    """What follows says what an administrator has to install."""
    with alone(Path("/sys/restream/setup.lock")) as held:
        assert held.read() == ""
