"""`make fuzz`: chance against every reader of strangers' bytes, led by the lines that it reaches.

Each target of tests/fuzz has a law, which holds for every input. An input that breaks it becomes a
case in tests/fuzz/cases, which `make test` tries from then on. Faults of old are put back, to see
that a hunt finds them.
"""

import importlib.util
import os
import secrets
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.fuzz.finds import broken_by, shrunk
from bench.fuzz.hunting import Hunted, finds_in, hunt, hunted, prepared
from bench.fuzz.old_faults import OLD_FAULTS, OldFault, tree_with
from bench.report import BUILD, Figure, NotMeasurableError, hand_in, say
from emulator.unread import quiet_when_unread
from tests.fuzz.catalogue import CASES, TARGETS, cases_of, target_named

MINUTES = 10
OLD_FAULTS_SHARE = 0.2
"""Of the time."""
SECONDS_MIN = 3
CPU_MS_MAX = 50.0
"""For all that a law does with an input: it is read several times, and in pieces of a byte."""
MEMORY_MB_MAX = 64.0


def main() -> None:
    """Hunts, keeps what was found, and prints."""
    if importlib.util.find_spec("atheris") is None:
        raise NotMeasurableError("atheris has no wheel for this machine or this Python: take 3.11.")
    minutes = float(os.environ.get("MINUTES") or MINUTES)
    asked = (os.environ.get("TARGETS") or "").split(",")
    targets = [each for each in TARGETS if each.name in asked or asked == [""]]
    faults = [each for each in OLD_FAULTS if target_named(each.target) in targets]
    if not targets:
        raise NotMeasurableError(f"TARGETS names none of: {', '.join(t.name for t in TARGETS)}.")
    lanes, seed = os.cpu_count() or 1, secrets.randbelow(2**31)
    whole_s = minutes * 60 * lanes
    each_s = max(SECONDS_MIN, round(whole_s * (1 - OLD_FAULTS_SHARE) / len(targets)))
    fault_s = max(SECONDS_MIN, round(whole_s * OLD_FAULTS_SHARE / max(1, len(faults))))
    say(f"{len(targets)} targets, {each_s} s each, {lanes} at a time; seed {seed}")
    with ThreadPoolExecutor(lanes) as pool:
        found = list(
            pool.map(lambda each: hunted(each, BUILD / "fuzz" / each.name, each_s, seed), targets)
        )
        say(f"{len(faults)} old faults, at most {fault_s} s each")
        again = list(pool.map(lambda each: is_found(each, fault_s, seed), faults))
    for each in found:
        _keep(each)
    for fault, is_told in zip(faults, again, strict=True):
        if not is_told:
            print(f"not found: {fault.name}")
    hand_in("fuzz", [*_figures(found), *_of_old_faults(again)])


def is_found(fault: OldFault, seconds: int, seed: int) -> bool:
    """Whether a hunt that begins with the seeds alone finds it."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as made:
        tree = tree_with(fault, Path(made))
        target = target_named(fault.target)
        folder = prepared(target, Path(made) / "hunt", cases=False)
        hunt(target, folder, seconds, seed, tree)
        return bool(finds_in(folder))


def _keep(found: Hunted) -> None:
    """Each find as a case, as small as it gets, and told with its line."""
    for path in found.finds:
        data = shrunk(found.target.law, path.read_bytes())
        broken = broken_by(found.target.law, data)
        says = broken.where if broken else "not again: the law looks at more than its input"
        _kept(found, path.name, data, says)
    for path in found.hard:
        _kept(found, path.name, path.read_bytes(), "it hung, or ended the process")


def _kept(found: Hunted, name: str, data: bytes, says: str) -> None:
    case = CASES / found.target.name / name
    case.parent.mkdir(parents=True, exist_ok=True)
    case.write_bytes(data)
    print(f"{found.target.name}: {says}\n    {case}, {len(data)} bytes: name it by what is wrong")


def _figures(found: list[Hunted]) -> list[Figure]:
    slowest = max(found, key=lambda each: each.cpu_s)
    largest = max(found, key=lambda each: each.memory_bytes)
    memory_mb = largest.memory_bytes / 1e6
    return [
        Figure("readers of strangers' bytes, each with its law", len(found), ""),
        Figure("inputs tried", sum(each.inputs for each in found), ""),
        Figure("laws broken", sum(len(each.finds) for each in found), "", "<= 0"),
        Figure("hangs and ends of the process", sum(len(each.hard) for each in found), "", "<= 0"),
        Figure("slowest input", slowest.cpu_s * 1e3, "ms", f"<= {CPU_MS_MAX}", slowest.target.name),
        Figure("most memory", memory_mb, "MB", f"<= {MEMORY_MB_MAX}", largest.target.name),
        *(
            Figure(f"of these: {each.target.name}", each.inputs, "", "", f"{each.reached} branches")
            for each in found
        ),
        Figure("cases kept", sum(len(cases_of(each.target.name)) for each in found), ""),
    ]


def _of_old_faults(found: list[bool]) -> list[Figure]:
    if not found:
        return []
    return [Figure("old faults put back that were found", sum(found), "", f">= {len(found)}")]


if __name__ == "__main__":
    sys.exit(quiet_when_unread(main))
