"""What a function need not import before its first answer, and what it keeps once."""

import subprocess
import sys
from pathlib import Path

import pytest

FUNCTIONS = Path(__file__).parents[3] / "functions"


@pytest.mark.parametrize(
    ("function", "later"),
    [("api", ("httpx", "google.cloud.scheduler_v1")), ("payout", ("google.cloud.scheduler_v1",))],
)
def test_what_few_instances_use_is_imported_at_its_first_use(
    function: str, later: tuple[str, ...]
) -> None:
    """Each would be a tenth of a cold start, for an instance that may never ask for it."""
    found = f"print(*(name for name in {later!r} if name in sys.modules))"
    program = f"import sys, {function}.wiring; {found}"
    done = subprocess.run(
        (sys.executable, "-c", program),
        env={"PYTHONPATH": str(FUNCTIONS)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stdout + done.stderr


@pytest.mark.parametrize("function", ["api", "collector", "payout", "prober"])
def test_no_look_for_garbage_copies_what_was_imported(function: str) -> None:
    """The server imports a function, and forks. Half of its memory was twice there from the first
    full look on."""
    program = f"import gc, {function}.main; print(gc.isenabled(), len(gc.get_objects()) < 10_000)"
    sha256 = "0" * 64
    own = {
        "INGEST_URL": "rtmp://203.0.113.5:1935/live",
        "INGEST_KEY_HASH": sha256,
        "PUBLIC_URL": "https://203.0.113.5",
        "LOTTERY_KEY": "k" * 32,
    }
    done = subprocess.run(
        (sys.executable, "-c", program),
        env={"PYTHONPATH": str(FUNCTIONS), "GOOGLE_CLOUD_PROJECT": "p", **own},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = done.stdout.splitlines()[-1:]
    assert (done.returncode, said) == (0, ["True True"]), done.stdout + done.stderr
