"""The kinds of notice, and what one is."""

from dataclasses import dataclass
from enum import StrEnum


class NoticeKind(StrEnum):
    """Why a notice is sent."""

    UNHEALTHY = "unhealthy"
    FLAGGED = "flagged"
    SUSPENDED = "suspended"
    FRAUD = "fraud"
    CLEARED = "cleared"
    FIRST_CHECK = "first_check"
    SUMMARY = "summary"
    OLD_VERSION = "old_version"
    TEST = "test"


@dataclass(frozen=True)
class Notice:
    """Plain text. It names the node and never its key."""

    kind: NoticeKind
    title: str
    body: str
