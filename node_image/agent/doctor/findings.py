"""What an examination found, how it is told, and the exit code that it ends with. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, IntEnum


class FindingKind(IntEnum):
    """What was examined; its number is the exit code when that is what has to be repaired first."""

    COORDINATOR = 10
    CLOCK = 11
    STREAM = 12
    KEY = 13
    PORTS = 14
    RELAY = 15
    INGEST = 16
    PLAYBACK = 17
    CARRIER = 18
    OUTSIDE = 19
    UPLOAD = 20
    VERSION = 21


class FindingState(Enum):
    """How one examination came out."""

    OK = "ok"
    UNKNOWN = "unknown"
    PROBLEM = "PROBLEM"


@dataclass(frozen=True)
class Finding:
    """One examination. `fix` says exactly what to do about a problem."""

    kind: FindingKind
    state: FindingState
    says: str
    fix: str = ""

    @property
    def line(self) -> str:
        """One line for people."""
        return f"{self.state.value:<8} {self.kind.name.lower():<12} {self.says}"


def ok(kind: FindingKind, says: str) -> Finding:
    """Nothing to repair."""
    return Finding(kind, FindingState.OK, says)


def unknown(kind: FindingKind, says: str) -> Finding:
    """It could not be examined, which is nobody's fault."""
    return Finding(kind, FindingState.UNKNOWN, says)


def problem(kind: FindingKind, says: str, fix: str) -> Finding:
    """Something to repair."""
    return Finding(kind, FindingState.PROBLEM, says, fix)


def conclusion(findings: Iterable[Finding]) -> tuple[str, int]:
    """The last line and the exit code: the first problem's, because others may follow from it.

    From an old version none does: it is told last."""
    problems = [finding for finding in findings if finding.state is FindingState.PROBLEM]
    problems.sort(key=lambda finding: finding.kind is FindingKind.VERSION)
    if problems:
        return f"Fix: {problems[0].fix}", int(problems[0].kind)
    return "All is well: this node can serve the stream.", 0
