"""Keeps what the operator was told beside the key, so that a restart repeats nothing.

It is a convenience: a folder that cannot be written costs a repeated notice, never the relay.
"""

import json
import logging
import os
from dataclasses import asdict
from pathlib import Path

from agent.log import AgentEvent, log
from agent.notices.rules import Level, ToldNotices

FILE = "notices.json"
_BYTES_MAX = 4096
_EARNED_CHARS_MAX = 40
_VERSION_CHARS_MAX = 200


def load(data_dir: Path) -> ToldNotices:
    """What was told; as nothing was, if there is no record or none that can be understood."""
    try:
        with (data_dir / FILE).open("rb") as file:
            fields = json.loads(file.read(_BYTES_MAX))
        return ToldNotices(
            level=Level(fields["level"]),
            worst=Level(fields["worst"]),
            in_row=max(0, int(fields["in_row"])),
            at_s=float(fields["at_s"]),
            is_first_check_over=bool(fields["is_first_check_over"]),
            summary_s=float(fields["summary_s"]),
            earned=str(fields["earned"])[:_EARNED_CHARS_MAX],
            newer=str(fields.get("newer", ""))[:_VERSION_CHARS_MAX],  # an older agent kept none
        )
    except FileNotFoundError:
        return ToldNotices()
    except (OSError, ValueError, KeyError, TypeError, OverflowError) as e:
        log(AgentEvent.NOTICES_FORGOTTEN, logging.WARNING, reason=f"{FILE}: {type(e).__name__}")
        return ToldNotices()


def save(data_dir: Path, told: ToldNotices) -> None:
    """Replace the record as a whole, or say in the log that it cannot be."""
    draft = data_dir / f".{FILE}"
    try:
        draft.write_text(json.dumps(asdict(told)), encoding="ascii")
        os.replace(draft, data_dir / FILE)
    except OSError as e:
        log(AgentEvent.NOTICES_NOT_KEPT, logging.WARNING, reason=f"{data_dir / FILE}: {e.strerror}")
