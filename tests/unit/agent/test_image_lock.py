"""The image's locked dependencies: hashed, without addresses, in the versions tests run with."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
LOCK = (ROOT / "node_image" / "requirements.txt").read_text()


def _pins(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)==([^ ]+)", lock, re.MULTILINE))


def test_every_pin_has_hashes_and_none_an_address() -> None:
    """The image is installed with --require-hashes, from wherever it is built."""
    pins = re.split(r"^(?=[a-z0-9._-]+==)", LOCK, flags=re.MULTILINE)[1:]
    assert pins
    assert all("--hash=sha256:" in pin for pin in pins)
    assert "://" not in LOCK
    assert "--index" not in LOCK


def test_the_image_runs_the_versions_that_the_tests_run() -> None:
    """`make lock` pins both."""
    tested = _pins((ROOT / "requirements.txt").read_text())
    assert {name: tested.get(name) for name in _pins(LOCK)} == _pins(LOCK)
