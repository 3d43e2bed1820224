"""`terraform test` passes as users run it, and finds what it is there to find."""

import re
import shutil
from pathlib import Path

from tests.terraform.plans import FOLDER, ROOT, run

FILES = sorted((FOLDER / "tests").glob("*.tftest.hcl"))
RUNS = [name for file in FILES for name in re.findall(r'^run "(\w+)"', file.read_text(), re.M)]


def test_all_of_them_pass() -> None:
    """By providers that make everything up, so no credentials are needed."""
    outcome = run("test", {})
    assert outcome.status == 0, outcome.text[-3000:]
    assert f"{len(RUNS)} passed, 0 failed" in outcome.text
    assert len(RUNS) >= 4


def test_a_prober_that_reaches_the_money_fails_them(tmp_path: Path) -> None:
    """And so does a region that is taken although it is none."""
    for path in ROOT.iterdir():
        if path.name not in ("terraform", ".git"):
            (tmp_path / path.name).symlink_to(path)
    copy = Path(shutil.copytree(FOLDER, tmp_path / "terraform"))
    _replaced(
        copy / "firestore.tf", 'prober    = ["(default)"]', "prober    = [var.money_database]"
    )
    _replaced(
        copy / "variables.tf", "= contains(local.regions, var.region)", "= var.region != null"
    )
    outcome = run("test", {}, root=tmp_path)
    assert outcome.status != 0
    assert "Only the api and the payout reach the money" in outcome.text
    assert "Missing expected failure" in outcome.text


def _replaced(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1, f"{path.name} has another text than this test changes"
    path.write_text(text.replace(old, new))


def test_every_input_that_can_be_wrong_is_refused_in_them() -> None:
    """Each variable with a condition stands among the failures that are expected."""
    text = (FOLDER / "variables.tf").read_text()
    variables = re.findall(r'^variable "(\w+)" {(.*?)^}', text, re.MULTILINE | re.DOTALL)
    checked = {name for name, body in variables if "validation {" in body}
    expected = set(
        re.findall(r"^ +var\.(\w+),$", (FOLDER / "tests" / "inputs.tftest.hcl").read_text(), re.M)
    )
    assert len(checked) > 10
    assert expected == checked
