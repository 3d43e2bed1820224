"""`make pip-audit`: every locked package against the database of known vulnerabilities.

pip-audit does it, by the locks alone: nothing is installed. Where its database cannot be reached,
nothing was found because nothing was asked, and that is what is said.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from emulator.unread import quiet_when_unread

ROOT = Path(__file__).resolve().parents[1]
AUDIT_S_MAX = 600.0
_TIMEOUT_S = 15
"""For one answer of the database."""


class Audited(NamedTuple):
    """What the database knows of one lock."""

    known: tuple[str, ...]
    """A sentence for each package that something is known of."""
    asked: int
    unasked: tuple[str, ...]
    """Packages that the database did not answer for."""


def locks(root: Path = ROOT) -> list[Path]:
    """Every list of locked packages in the tree."""
    found = (path.with_suffix(".txt") for path in root.rglob("requirements*.in"))
    return sorted(
        path for path in found if not any(p.startswith(".") for p in path.relative_to(root).parts)
    )


def audited(report: str) -> Audited:
    """What pip-audit's report in JSON tells. Raises ValueError if it is none.

    A package that it could not ask about is one that it "skips", and no failure of its."""
    packages = json.loads(report)["dependencies"] if report else []
    unasked = tuple(each["name"] for each in packages if "skip_reason" in each)
    known = tuple(_sentence(each) for each in packages if each.get("vulns"))
    return Audited(known, len(packages) - len(unasked), unasked)


def _sentence(package: Mapping[str, Any]) -> str:
    known = ", ".join(each["id"] for each in package["vulns"])
    fixed = sorted({version for each in package["vulns"] for version in each["fix_versions"]})
    end = f"fixed in {', '.join(fixed)}" if fixed else "no fix is known"
    return f"{package['name']} {package['version']}: {known}; {end}"


def main(program: str = str(Path(sys.executable).with_name("pip-audit"))) -> int:
    """0 if nothing is known, 1 if something is, 2 if not all could be asked about."""
    status = 0
    for lock in locks():
        name, found = lock.relative_to(ROOT), audited(_report(program, lock))
        if not found.asked:
            print(
                "The database of known vulnerabilities cannot be reached from here: "
                f"{name} was not audited, nor was any lock behind it.",
                file=sys.stderr,
            )
            return 2
        print(f"{name}: {found.asked} asked about, {len(found.known)} with something known")
        for sentence in found.known:
            print(f"  {sentence}")
        if found.unasked:
            print(f"  not asked about: {', '.join(found.unasked)}")
        status = max(status, 2 if found.unasked else 1 if found.known else 0)
    return status


def _report(program: str, lock: Path) -> str:
    """Its standard output, which holds nothing where it could not ask."""
    options = ["--require-hashes", "--disable-pip", "--format=json", "--progress-spinner=off"]
    argv = [program, f"--requirement={lock}", *options, f"--timeout={_TIMEOUT_S}"]
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=AUDIT_S_MAX, check=False
        )
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout


if __name__ == "__main__":
    sys.exit(quiet_when_unread(main))
