"""pyproject.toml says which version this is; what ships without that file says the same.

An image of a function and the agent's package cannot read it, so each has its own line."""

import re
import subprocess
from pathlib import Path

import pytest

import agent
from tests.doubles.memory import MemoryStore
from tests.project import ROOT, VERSION
from tests.unit.functions.conftest import settings
from tests.unit.functions.own_api import own_api


def test_the_api_and_the_agent_are_of_this_version() -> None:
    """As the OpenAPI document and `agent --version` print it."""
    app = own_api(MemoryStore(), MemoryStore(), settings(), lambda: 0.0)
    assert {app.routes.openapi()["info"]["version"], agent.__version__} == {VERSION}


def test_the_changelog_says_what_is_new_in_it() -> None:
    """The newest number in it is this one."""
    numbers = re.findall(r"^## (\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert numbers[0] == VERSION


@pytest.mark.parametrize("part", ["node", "api"])
def test_an_image_is_labelled_with_it(part: str, tmp_path: Path) -> None:
    """By build-image.sh; no Dockerfile has a version of its own."""
    builder = tmp_path / "builder"
    builder.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    builder.chmod(0o755)
    env = {"PATH": "/usr/bin:/bin", "BUILD_OFFLINE": str(builder)}
    script = ROOT / "build-image.sh"
    told = subprocess.run([script, part], env=env, capture_output=True, text=True, check=True)
    said = dict(line.split("=", 1) for line in told.stdout.splitlines() if "=" in line)
    assert said["org.opencontainers.image.version"] == VERSION
    assert re.fullmatch(r"[0-9a-f]{40}", said["org.opencontainers.image.revision"])
    dockerfile = Path(told.stdout.splitlines()[2]).read_text()
    assert not re.search(r"image\.(version|revision)", dockerfile)
