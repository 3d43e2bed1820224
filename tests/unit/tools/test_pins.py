"""`make pin`: images by digest, a source by its whole commit; what cannot be asked stays."""

import subprocess
from pathlib import Path

import pytest

from tests.project import ROOT
from tools.pins import FILES, images_in, main, pinned, whole_commit

DIGEST, OTHER = f"sha256:{'a7' * 32}", f"sha256:{'b3' * 32}"
PYTHON = "docker.io/library/python:3.11-slim-bookworm"
TEXT = f"""\
FROM {PYTHON} AS packages
FROM packages AS more
FROM {PYTHON}@{OTHER}
FROM engine-${{ENGINE}} AS whole
FROM scratch
"""


def _program(folder: Path, name: str, body: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what is pinned, with a source of one's own, and programs of the test's alone."""
    programs = tmp_path / "bin"
    programs.mkdir()
    git = subprocess.run(["which", "git"], capture_output=True, text=True, check=True)
    (programs / "git").symlink_to(git.stdout.strip())
    monkeypatch.setenv("PATH", str(programs))
    for name in FILES:
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text((ROOT / name).read_text())
    return tmp_path


def _source(folder: Path) -> tuple[Path, str]:
    """A repository with one commit, and a tag that is called as its hash begins."""
    work = folder / "source"
    for words in (
        ["init", "-q", str(work)],
        ["-C", str(work), "commit", "-q", "--allow-empty", "-m", "One"],
    ):
        who = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
        subprocess.run(["git", *who, *words], check=True)
    told = subprocess.run(
        ["git", "-C", str(work), "rev-parse", "HEAD"], capture_output=True, text=True, check=True
    )
    return work, told.stdout.strip()


def test_images_of_registries_are_pinned_and_stages_are_not() -> None:
    assert images_in(TEXT) == [PYTHON]
    after = pinned(TEXT, {PYTHON: DIGEST})
    assert after == TEXT.replace(f"@{OTHER}", "").replace(PYTHON, f"{PYTHON}@{DIGEST}")
    assert pinned(after, {PYTHON: DIGEST}) == after
    assert pinned(TEXT, {}) == TEXT


def test_every_image_that_this_tree_takes_is_found() -> None:
    """None of another file, and none that is written in another way."""
    lines = [
        line
        for path in (*ROOT.rglob("Dockerfile"), ROOT / "compose.yaml")
        if ".venv" not in str(path)
        for line in path.read_text().splitlines()
        if line.startswith("FROM ") or line.strip().startswith("image: ")
    ]
    strange = [line for line in lines if "." in line.partition("/")[0] and "/" in line]
    told = [image for name in FILES for image in images_in((ROOT / name).read_text())]
    assert strange
    assert {line.split()[1].partition("@")[0] for line in strange} == set(told)


def test_what_is_told_is_written(tree: Path) -> None:
    """By a registry's program, and by a repository; the second time nothing changes."""
    _program(tree / "bin", "skopeo", f"echo {DIGEST}")
    source, commit = _source(tree)
    dockerfile = tree / "tree" / "node_image" / "Dockerfile"
    text = dockerfile.read_text().replace(
        "https://github.com/elnormous/rtmp_relay.git", str(source)
    )
    dockerfile.write_text(text.replace("COMMIT=af54468", f"COMMIT={commit[:7]}"))
    assert main(tree / "tree") == 0
    after = dockerfile.read_text()
    assert f"ARG COMMIT={commit}\n" in after
    assert f"FROM docker.io/library/debian:bookworm-slim@{DIGEST} AS base\n" in after
    for name in FILES:
        assert DIGEST in (tree / "tree" / name).read_text()
    assert main(tree / "tree") == 0
    assert dockerfile.read_text() == after


@pytest.mark.parametrize("body", [None, "exit 1", "echo not-a-digest"])
def test_where_nobody_answers_nothing_changes(
    body: str | None, tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And a sentence says so."""
    if body is not None:
        _program(tree / "bin", "skopeo", body)
    dockerfile = tree / "tree" / "node_image" / "Dockerfile"
    gone = dockerfile.read_text().replace(
        "https://github.com/elnormous/rtmp_relay.git", str(tree / "gone")
    )
    dockerfile.write_text(gone)
    before = [(tree / "tree" / name).read_text() for name in FILES]
    assert main(tree / "tree") == 1
    assert [(tree / "tree" / name).read_text() for name in FILES] == before
    said = capsys.readouterr().err
    assert ("apt-get install skopeo" in said) == (body is None)
    assert f"{tree / 'gone'} cannot be reached from here." in said
    assert all(line.endswith("What it would pin stays as it is.") for line in said.splitlines())


def test_a_tag_is_not_taken_for_the_commit_that_its_name_begins(tree: Path) -> None:
    source, commit = _source(tree)
    tag = ["tag", commit[:7], f"{commit}^{{tree}}"]
    subprocess.run(["git", "-C", str(source), *tag], check=True)
    assert whole_commit(str(source), commit[:7]) == commit
    assert whole_commit("nowhere", commit) == commit
