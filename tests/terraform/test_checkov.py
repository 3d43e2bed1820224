"""checkov finds nothing, but for what terraform/.checkov.yaml leaves out with a reason."""

import os
import re
import shutil
import subprocess

from tests.terraform.plans import FOLDER, ROOT

SECONDS_MAX = 300.0
CONFIG = FOLDER / ".checkov.yaml"


def test_no_check_fails_that_is_not_left_out_with_a_reason() -> None:
    """On the files as they are; nothing is asked of a server."""
    search = os.pathsep.join([str(ROOT / ".venv-checkov" / "bin"), os.environ.get("PATH", "")])
    program = shutil.which("checkov", path=search)
    assert program, "checkov is missing: `make test-cloud` installs it into .venv-checkov"
    done = subprocess.run(
        [program, "--config-file", str(CONFIG), "-d", str(FOLDER), "--skip-download"],
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_check_left_out_has_a_reason() -> None:
    """In words, beside it."""
    lines = CONFIG.read_text().split("skip-check:\n")[1].splitlines()
    assert lines
    assert all(re.fullmatch(r"  - CKV_[A-Z]+_\d+ +# .{30,}", line) for line in lines)
