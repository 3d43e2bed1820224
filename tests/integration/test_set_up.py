"""The virtual environment is made whole, however often its making was interrupted before."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from emulator.demo.options import ROOT

RUN_SECONDS_MAX = 180.0
SCRIPT = ROOT / "emulator" / "venv.sh"


@dataclass(frozen=True)
class Checkout:
    """A folder whose environment is made from a lock without requirements."""

    folder: Path

    @property
    def venv(self) -> Path:
        return self.folder / ".venv"

    @property
    def stamp(self) -> Path:
        return self.venv / ".locked-2357"

    def start(self, **environ: str) -> subprocess.Popen[str]:
        lock = self.folder / "lock.txt"
        lock.write_text("# nothing\n")
        return subprocess.Popen(
            ("bash", str(SCRIPT), str(self.stamp), str(lock)),
            cwd=self.folder,
            env={**os.environ, **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def complete(self, **environ: str) -> str:
        """Runs it to its end; what it printed."""
        with self.start(**environ) as process:
            told = process.communicate(timeout=RUN_SECONDS_MAX)[0]
        assert process.returncode == 0, told
        pip = (self.venv / "bin" / "python", "-I", "-m", "pip", "--version")
        assert str(self.venv) in subprocess.check_output(pip, text=True)
        assert self.stamp.exists()
        return told


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """In a folder with a space, as people have them."""
    folder = tmp_path / "my checkout"
    folder.mkdir()
    return Checkout(folder)


def _until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    while not condition() and process.poll() is None:
        time.sleep(0.005)


def test_after_a_kill_at_any_moment_the_next_one_makes_it_anew(checkout: Checkout) -> None:
    """At its first file, at an interpreter without pip, and at a pip that is half there."""
    moments: tuple[Callable[[], bool], ...] = (
        checkout.venv.exists,
        (checkout.venv / "bin" / "python").exists,
        lambda: any(checkout.venv.glob("lib/*/site-packages/pip")),
    )
    for moment in moments:
        with checkout.start() as process:
            _until(moment, process)
            os.killpg(process.pid, signal.SIGKILL)
        assert not checkout.stamp.exists()
    checkout.complete()


def test_an_update_that_was_interrupted_is_made_anew(checkout: Checkout) -> None:
    """The stamp of the old requirements does not vouch for a mixture."""
    checkout.venv.mkdir()
    (checkout.venv / "left").touch()
    checkout.complete()
    assert not (checkout.venv / "left").exists()


def test_two_at_once_make_one(checkout: Checkout) -> None:
    with checkout.start() as first:
        _until((checkout.folder / ".venv.lock").exists, first)
        _until(checkout.venv.exists, first)
        told = checkout.complete()
        assert first.wait(RUN_SECONDS_MAX) == 0
    assert told == f"waiting for another set-up of {checkout.venv} to end\n"


def test_what_a_user_has_set_for_python_and_pip_does_not_reach_it(checkout: Checkout) -> None:
    """Also a folder for temporary files whose name is long and odd."""
    traps, scratch = checkout.folder / "traps", checkout.folder / ("a $b 'c' " + "d" * 120)
    traps.mkdir()
    scratch.mkdir()
    for name in ("venv", "ensurepip", "pip", "site", "re"):
        (traps / f"{name}.py").write_text("raise SystemExit('a trap')\n")
    checkout.complete(
        PIP_USER="1",
        PIP_TARGET=str(traps),
        PIP_REQUIRE_VIRTUALENV="1",
        PYTHONPATH=str(traps),
        PYTHONSAFEPATH="1",
        TMPDIR=str(scratch),
    )
