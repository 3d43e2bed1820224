"""Every reader that is fuzzed, and the cases that are kept: inputs that once broke a promise."""

from pathlib import Path

from tests.fuzz.body_laws import BODY_TARGETS
from tests.fuzz.caller_laws import CALLER_TARGETS
from tests.fuzz.document_laws import DOCUMENT_TARGETS
from tests.fuzz.engine_laws import ENGINE_TARGETS
from tests.fuzz.http_laws import HTTP_TARGETS
from tests.fuzz.page_laws import PAGE_TARGETS
from tests.fuzz.rtmp_laws import RTMP_TARGETS
from tests.fuzz.statistics_laws import STATISTICS_TARGETS
from tests.fuzz.target import Target

CASES = Path(__file__).parent / "cases"
"""One folder for each target. A file's name says what was wrong."""
TARGETS: tuple[Target, ...] = (
    *(*STATISTICS_TARGETS, *CALLER_TARGETS, *HTTP_TARGETS, *BODY_TARGETS, *PAGE_TARGETS),
    *(*DOCUMENT_TARGETS, *RTMP_TARGETS, *ENGINE_TARGETS),
)


def target_named(name: str) -> Target:
    """Raises KeyError."""
    return {each.name: each for each in TARGETS}[name]


def cases_of(name: str) -> list[Path]:
    """The kept ones of a target."""
    return sorted((CASES / name).glob("*"))
