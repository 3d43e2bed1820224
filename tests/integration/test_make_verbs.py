"""The verbs of the Makefile on a machine that lacks what nobody can install for it."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from emulator.demo.options import ROOT

RUN_SECONDS_MAX = 120
ABSENT = ("terraform", "docker", "podman")
Make = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Runs make with everything on PATH but the ABSENT ones."""
    programs = tmp_path_factory.mktemp("programs")
    for folder in os.environ["PATH"].split(":"):
        for program in Path(folder).iterdir() if Path(folder).is_dir() else ():
            link = programs / program.name
            if program.name not in ABSENT and not link.is_symlink():
                link.symlink_to(program)
    environ = {**os.environ, "PATH": str(programs)}
    # Nor what a make around these tests tells the makes below it.
    for name in ("BUILD_OFFLINE", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
        environ.pop(name, None)

    def run(*words: str, **given: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ("make", *words),
            cwd=ROOT,
            env={**environ, **given},
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS_MAX,
            check=False,
        )

    return run


def _said(done: "subprocess.CompletedProcess[str]") -> list[str]:
    """What is printed beside make's own line about its end."""
    return [line for line in done.stderr.splitlines() if not line.startswith("make")]


def test_images_says_in_one_sentence_what_is_missing(make: Make) -> None:
    done = make("images")
    assert done.returncode != 0
    (sentence,) = _said(done)
    assert sentence.startswith("Missing on this machine: docker or podman")
    assert "BUILD_OFFLINE" in sentence


def test_test_cloud_says_in_one_sentence_what_is_missing(make: Make) -> None:
    done = make("test-cloud")
    assert done.returncode != 0
    (sentence,) = _said(done)
    assert "Terraform 1.11 or later" in sentence
    assert "docker or podman" in sentence
    given = make("test-cloud", BUILD_OFFLINE="/bin/true")
    assert given.returncode != 0
    assert "docker" not in _said(given)[0]


def test_test_runs_nothing_that_needs_what_is_missing(make: Make) -> None:
    """What it would run, as make tells it."""
    told = make("--dry-run", "test").stdout
    assert "tests/e2e" in told
    for word in ("tests/terraform", "tests/image", "need ", *ABSENT):
        assert word not in told


def test_a_python_of_the_users_own_is_kept_out(make: Make, tmp_path: Path) -> None:
    """Neither its modules nor its switches reach what a verb runs."""
    (tmp_path / "rich.py").write_text("raise SystemExit('a trap')\n")
    (tmp_path / "emulator.py").write_text("raise SystemExit('a trap')\n")
    done = make("setup", PYTHONPATH=str(tmp_path), PYTHONSAFEPATH="1", PIP_USER="1")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_complete_machine_is_left_alone(make: Make, tmp_path: Path) -> None:
    """No package manager and no administrator is asked for: it works without either."""
    called = tmp_path / "called"
    for name in ("apt-get", "apt-cache", "dpkg", "sudo", "gcloud"):
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\necho "$0" >>"{called}"\nexit 1\n')
        program.chmod(0o755)
    done = make("setup", PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not called.exists()


def test_a_jar_that_is_named_and_not_there_is_one_sentence(make: Make) -> None:
    """Nothing is installed or fetched in its place."""
    done = make("setup", FIRESTORE_EMULATOR_JAR="/none/emulator.jar")
    assert done.returncode != 0
    assert _said(done) == ["FIRESTORE_EMULATOR_JAR names no file: /none/emulator.jar"]
