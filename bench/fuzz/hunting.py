"""A hunt as its owner sees it: a folder, a child process, and what came of it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from bench.report import ROOT, NotMeasurableError
from tests.fuzz.catalogue import cases_of
from tests.fuzz.target import Target

FOLDERS = ("corpus", "finds", "hard", "slow")
END_S_MAX = 120.0
"""For loading what is hunted, and for the last input."""
_RUNS = re.compile(r"stat::number_of_executed_units: (\d+)")
_REACHED = re.compile(r" cov: (\d+) ")


class Hunted(NamedTuple):
    """What came of one target."""

    target: Target
    folder: Path
    inputs: int
    reached: int
    """Branches of our own code, as atheris counts them."""
    finds: list[Path]
    hard: list[Path]
    """Inputs that hung, or ended the process."""
    cpu_s: float
    memory_bytes: int


def prepared(target: Target, folder: Path, *, cases: bool = True) -> Path:
    """The folder, with what the hunt begins with; what earlier hunts reached stays in `corpus`."""
    for part in FOLDERS:
        (folder / part).mkdir(parents=True, exist_ok=True)
        for old in (folder / part).iterdir() if part != "corpus" else ():
            old.unlink()
    for at, seed in enumerate(target.seeds):
        (folder / "corpus" / f"seed-{at}").write_bytes(seed)
    for case in cases_of(target.name) if cases else ():
        (folder / "corpus" / f"case-{case.name}").write_bytes(case.read_bytes())
    words = ("".join(map("\\x{:02x}".format, word)) for word in target.words)
    (folder / "words").write_text("".join(f'"{word}"\n' for word in words))
    return folder


def hunted(target: Target, folder: Path, seconds: int, seed: int) -> Hunted:
    """Hunts in this tree, and weighs what was kept."""
    said = hunt(target, prepared(target, folder), seconds, seed)
    runs, reached = _RUNS.search(said), _REACHED.findall(said)
    hard = sorted((folder / "hard").iterdir())
    if runs is None and not hard:
        raise NotMeasurableError(f"{target.name} was not hunted: {said[-2000:]}")
    weighed = json.loads(_child(ROOT, "weights", target.name, folder, seconds=600.0))
    return Hunted(
        target,
        folder,
        int(runs[1]) if runs else 0,
        max(map(int, reached), default=0),
        finds_in(folder),
        hard,
        weighed["cpu_s"],
        weighed["memory_bytes"],
    )


def hunt(target: Target, folder: Path, seconds: int, seed: int, tree: Path = ROOT) -> str:
    """What the child says when the time is over; in a tree with an old fault at its first find."""
    words = [target.name, target.law.__module__, folder, seconds, seed]
    words += [] if tree == ROOT else ["once"]
    return _child(tree, "hunt", *words, seconds=seconds + END_S_MAX)


def finds_in(folder: Path) -> list[Path]:
    """Inputs that broke a law."""
    return [path for path in sorted((folder / "finds").iterdir()) if path.suffix != ".txt"]


def _child(tree: Path, module: str, *words: object, seconds: float) -> str:
    """What a child prints on both ways, whatever it ends with."""
    paths = ":".join(str(tree / part) for part in ("functions", "node_image", ""))
    try:
        done = subprocess.run(
            [sys.executable, "-m", f"bench.fuzz.{module}", *map(str, words)],
            cwd=tree,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise NotMeasurableError(f"{module} {words[0]} did not end in {seconds:.0f} s") from error
    if module != "hunt" and done.returncode != 0:
        raise NotMeasurableError(f"{module} {words[0]} ended with {done.stderr[-2000:]}")
    return done.stdout if module != "hunt" else done.stdout + done.stderr
