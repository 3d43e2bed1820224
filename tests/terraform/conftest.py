"""What several files of these tests need."""

from pathlib import Path

import pytest

from tests.terraform.built_images import FUNCTIONS, build, lay_out


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive, laid out."""
    folder = tmp_path_factory.mktemp("source")
    lay_out(folder)
    return folder


@pytest.fixture(scope="session")
def images(source: Path) -> dict[str, str]:
    """An image of every service of ours, by its name."""
    return {part: build(part, source) for part in (*FUNCTIONS, "scheduler")}
