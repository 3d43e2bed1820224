"""`.ci/run`: the four verbs, in order; the machine's own tools only where they are handed over."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / ".ci" / "run"
TOLD = 'echo "${0##*/} $* BUILD_OFFLINE=${BUILD_OFFLINE:-} TFCHECK=${TFCHECK:-}" >>"$CALLS"\n'
VERBS = ["make test", "make test-cloud", "make images", "make demo-once"]
PROGRAMS = [
    "buildah",
    "podman",
    "mmdebstrap",
    "runc",
    "systemd-analyze",
    "g++",
    "git",
    "openssl",
    "curl",
]


@dataclass
class Machine:
    """A checkout beside which somebody has put tools, and a PATH of stand-ins."""

    folder: Path

    def has(self, *programs: str, fails: str = "never") -> None:
        """They are on PATH; what is called with `fails` ends with an error."""
        (self.folder / "bin").mkdir(exist_ok=True)
        for name in programs:
            program = self.folder / "bin" / name
            program.write_text(f'#!/bin/sh\n{TOLD}[ "$*" != "{fails}" ]\n')
            program.chmod(0o755)

    def runs(self, **env: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
        """What the script ended with, and the calls that it made."""
        self.has()
        (self.folder / "bin" / "dirname").symlink_to("/usr/bin/dirname")
        tools = ("build-offline", "tfcheck/tfcheck.py")
        for part in ("checkout/.ci/run", *(f"shared/tools/{name}" for name in tools)):
            (self.folder / part).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / part).write_text(SCRIPT.read_text())
            (self.folder / part).chmod(0o755)
        calls = self.folder / "calls"
        done = subprocess.run(
            ["/usr/bin/bash", self.folder / "checkout" / ".ci" / "run"],
            env={"PATH": str(self.folder / "bin"), "CALLS": str(calls), **env},
            capture_output=True,
            text=True,
            check=False,
        )
        return done, calls.read_text().splitlines() if calls.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """With nothing on it yet."""
    return Machine(tmp_path)


def test_a_change_passes_the_commands_of_the_readme(machine: Machine) -> None:
    """One after the other, each with its time; no tool is looked for outside of the checkout."""
    machine.has("make", "terraform")
    done, calls = machine.runs()
    assert done.returncode == 0, done.stderr
    assert calls == [f"{verb} BUILD_OFFLINE= TFCHECK=" for verb in VERBS]
    assert [line.split("s  ")[1] for line in done.stdout.splitlines()[-4:]] == VERBS


def test_the_machine_that_judges_changes_has_its_tools_beside_them(machine: Machine) -> None:
    """Their programs are installed where one is missing."""
    machine.has("make", "terraform", "apt-get")
    done, calls = machine.runs(CI="true")
    assert done.returncode == 0, done.stderr
    tools = machine.folder / "checkout" / ".." / "shared" / "tools"
    handed = f" BUILD_OFFLINE={tools}/build-offline TFCHECK={tools}/tfcheck/tfcheck.py"
    assert calls[0] == f"apt-get update -q{handed}"
    assert calls[1].startswith("apt-get install -q -y --no-install-recommends buildah podman")
    assert calls[2:] == [verb + handed for verb in VERBS]


def test_what_is_handed_over_is_taken_and_nothing_is_installed_twice(machine: Machine) -> None:
    """The environment goes before what lies beside the checkout."""
    machine.has("make", "terraform", *PROGRAMS)
    _, calls = machine.runs(CI="true", BUILD_OFFLINE="/opt/build", TFCHECK="/opt/check")
    assert calls == [f"{verb} BUILD_OFFLINE=/opt/build TFCHECK=/opt/check" for verb in VERBS]


def test_the_first_verb_that_fails_ends_it(machine: Machine) -> None:
    """Nothing later can make it look well."""
    machine.has("make", "terraform", fails="test-cloud")
    done, calls = machine.runs()
    assert done.returncode != 0
    assert [call.split(" BUILD")[0] for call in calls] == VERBS[:2]
    assert "everything passed" not in done.stdout


@pytest.mark.parametrize(("there", "missing"), [("terraform", "make"), ("make", "terraform")])
def test_a_missing_tool_is_named_before_anything_runs(
    machine: Machine, there: str, missing: str
) -> None:
    """Not after a quarter of an hour."""
    machine.has(there)
    done, calls = machine.runs()
    assert (done.returncode, calls) == (1, [])
    assert done.stderr.startswith(f"{missing} is missing")
