"""`make pip-audit`: what the database knows, and that it was not asked where it was not."""

import json
from pathlib import Path

import pytest

from tests.project import ROOT
from tools.pip_audit import audited, locks, main

KNOWN = {
    "name": "h11",
    "version": "0.13.0",
    "vulns": [{"id": "PYSEC-2025-7", "fix_versions": ["0.16.0"], "aliases": []}],
}
FINE = {"name": "idna", "version": "3.20", "vulns": []}
UNASKED = {"name": "attrs", "skip_reason": "Dependency not found and could not be audited"}


def _program(folder: Path, *packages: object) -> str:
    """Says the same of every lock."""
    path = folder / "pip-audit"
    path.write_text(f"#!/bin/sh\ncat <<'X'\n{json.dumps({'dependencies': packages})}\nX\n")
    path.chmod(0o755)
    return str(path)


def test_every_lock_is_audited() -> None:
    """Those of the tree, and of no environment in it."""
    found = {str(path.relative_to(ROOT)) for path in locks()}
    assert {"requirements.txt", "requirements-dev.txt", "functions/api/requirements.txt"} <= found
    assert all(path.is_file() for path in locks())
    assert not any(name.startswith(".") for name in found)


def test_what_is_known_is_a_sentence() -> None:
    found = audited(json.dumps({"dependencies": [KNOWN, FINE, UNASKED]}))
    assert found.known == ("h11 0.13.0: PYSEC-2025-7; fixed in 0.16.0",)
    assert (found.asked, found.unasked) == (2, ("attrs",))


@pytest.mark.parametrize(
    ("packages", "status", "says"),
    [
        ((FINE,), 0, "requirements.txt: 1 asked about, 0 with something known"),
        ((FINE, KNOWN), 1, "h11 0.13.0: PYSEC-2025-7"),
        ((FINE, UNASKED), 2, "not asked about: attrs"),
    ],
)
def test_what_the_program_tells_is_told(
    packages: tuple[object, ...],
    status: int,
    says: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(_program(tmp_path, *packages)) == status
    assert says in capsys.readouterr().out


def test_a_database_that_is_not_reached_finds_nothing_fine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whether each package was passed over, or the program says nothing at all."""
    silent = tmp_path / "silent"
    silent.write_text("#!/bin/sh\nexit 1\n")
    silent.chmod(0o755)
    for program in (_program(tmp_path, UNASKED), str(silent)):
        assert main(program) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.startswith("The database of known vulnerabilities cannot be reached")
