"""GitHub's workflows: the verbs that people type, no more rights than needed, nothing unpinned.

They cannot run here. What can: a linter that knows them, and their own scripts, each as it is.
"""

import itertools
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.project import VERSION

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))
MINUTES_MAX = 90
MAY_WRITE = {("release", "publish"): {"packages"}}
"""All that any job may write: the images, when a version is tagged."""
PARTS = {"node", "api", "collector", "prober", "payout"}


def _load(name: str) -> dict[str, Any]:
    # YAML 1.1 reads the key `on` as true.
    return {
        str(key): value
        for key, value in yaml.safe_load((FOLDER / f"{name}.yml").read_text()).items()
    }


JOBS = {(path.stem, name): job for path in FILES for name, job in _load(path.stem)["jobs"].items()}
OWN = {key: job for key, job in JOBS.items() if "uses" not in job}
"""The jobs that have steps of their own."""


def _script(workflow: str, job: str) -> str:
    """The only step of a job that is a script."""
    (script,) = [step["run"] for step in JOBS[workflow, job]["steps"] if "run" in step]
    return str(script)


def test_the_linter_finds_nothing() -> None:
    """Injected templates, unpinned actions, kept credentials, too many rights: zizmor."""
    zizmor = Path(sys.executable).with_name("zizmor")
    found = subprocess.run(
        [zizmor, "--offline", "--quiet", FOLDER.parent], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout + found.stderr


def test_a_change_passes_the_verbs_of_the_makefile() -> None:
    """Each in a machine of its own, so that one tells nothing about another."""
    known = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    verbs = JOBS["ci", "make"]["strategy"]["matrix"]["verb"]
    assert verbs == ["check", "test", "test-cloud", "images"]
    assert set(verbs) <= known
    assert _script("ci", "make") == 'make "$VERB"'


def test_all_that_is_pinned_is_renewed() -> None:
    """By Dependabot: packages, Dockerfiles, workflows, and Terraform's provider."""
    told = yaml.safe_load((FOLDER.parent / "dependabot.yml").read_text())
    renewed = {
        (each["package-ecosystem"], place)
        for each in told["updates"]
        for place in each.get("directories") or [each["directory"]]
    }
    wanted = {("github-actions", "/"), ("docker-compose", "/"), ("terraform", "/terraform")}
    for kind, name in (("pip", "requirements*.in"), ("docker", "Dockerfile")):
        for path in ROOT.rglob(name):
            parts = path.relative_to(ROOT).parts[:-1]
            if not any(part.startswith(".") or part == "build" for part in parts):
                wanted.add((kind, f"/{'/'.join(parts)}"))
    assert renewed == wanted


@pytest.mark.parametrize("key", OWN, ids="/".join)
def test_no_job_runs_for_ever(key: tuple[str, str]) -> None:
    """GitHub's own limit is six hours."""
    assert OWN[key]["timeout-minutes"] <= MINUTES_MAX


@pytest.mark.parametrize("key", JOBS, ids="/".join)
def test_a_job_reads_the_repository_and_nothing_else(key: tuple[str, str]) -> None:
    """Rights are given job by job: a workflow has none."""
    assert _load(key[0])["permissions"] == {}
    rights = JOBS[key]["permissions"]
    writes = {name for name, right in rights.items() if right != "read"}
    assert writes == MAY_WRITE.get(key, set())
    assert rights.keys() - writes == {"contents"}


@pytest.mark.parametrize("key", OWN, ids="/".join)
def test_actions_are_pinned_to_a_commit(key: tuple[str, str]) -> None:
    """And say which version that is, for whoever renews them."""
    text = (FOLDER / f"{key[0]}.yml").read_text()
    for step in OWN[key]["steps"]:
        if uses := step.get("uses"):
            assert re.search(rf"{re.escape(uses)} # v\d+\.\d+\.\d+$", text, re.MULTILINE), uses
            assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", uses), uses


@pytest.mark.parametrize("tag", [f"v{VERSION}", "v9.9.9", VERSION])
def test_a_tag_that_is_not_the_version_publishes_nothing(tag: str, tmp_path: Path) -> None:
    """The check's own script, in this repository."""
    told = tmp_path / "output"
    env = {"PATH": "/usr/bin:/bin", "GITHUB_REF_NAME": tag, "GITHUB_OUTPUT": str(told)}
    script = ["bash", "-e", "-o", "pipefail", "-c", _script("release", "version")]
    done = subprocess.run(script, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    if tag == f"v{VERSION}":
        assert (done.returncode, told.read_text()) == (0, f"version={VERSION}\n")
    else:
        assert done.returncode == 1
        assert "Delete the tag" in done.stdout
        assert not told.exists()


def test_images_are_published_after_everything_has_passed() -> None:
    """Every part that an operator or ops would have to build."""
    publish = JOBS["release", "publish"]
    assert publish["needs"] == ["version", "ci"]
    assert JOBS["release", "ci"]["uses"] == "./.github/workflows/ci.yml"
    assert "workflow_call" in _load("ci")["True"]
    assert set(publish["strategy"]["matrix"]["part"]) == PARTS


@pytest.mark.parametrize("part", sorted(PARTS))
def test_an_image_is_built_for_both_processors_and_pushed_under_three_tags(
    part: str, tmp_path: Path
) -> None:
    """The step's own script and build-image.sh, with a docker that writes down what it is told."""
    docker = tmp_path / "docker"
    docker.write_text('#!/bin/sh\n[ "$1" = info ] || printf "%s\\n" "$@"\n')
    docker.chmod(0o755)
    env = {
        "PATH": f"{tmp_path}:/usr/bin:/bin",
        "PART": part,
        "VERSION": "2.3.5",
        "GITHUB_REPOSITORY_OWNER": "SomeBody",
        "GITHUB_REPOSITORY": "SomeBody/restream",
        "GITHUB_SERVER_URL": "https://git.example",
    }
    script = ["bash", "-e", "-o", "pipefail", "-c", _script("release", "publish")]
    done = subprocess.run(script, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = done.stdout.splitlines()
    assert told[0] == "build"
    pairs = list(itertools.pairwise(told))
    tags = {value for option, value in pairs if option in ("-t", "--tag")}
    assert tags == {f"ghcr.io/somebody/restream-{part}:{tag}" for tag in ("2.3.5", "2.3", "latest")}
    for option in (
        ("--platform", "linux/amd64,linux/arm64"),
        ("--provenance", "mode=max"),
        ("--sbom", "true"),
        ("--label", f"org.opencontainers.image.version={VERSION}"),
        ("--label", "org.opencontainers.image.source=https://git.example/SomeBody/restream"),
    ):
        assert option in pairs
    assert "--push" in told
