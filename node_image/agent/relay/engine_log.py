"""Passes on what the relay writes, without its repetitions. Pure: told the time, in seconds.

An ingest without a publisher writes the same line once a second for every node that waits for it.
"""

import re
from collections import OrderedDict
from dataclasses import dataclass

_REPEAT_S = 60.0
_REMEMBERED_MAX = 200
_LINE_CHARS_MAX = 1000
# Time, process, connection and client differ between lines that say the same.
_PREFIX = re.compile(r"^\d{4}[/.]\d\d[/.]\d\d \d\d:\d\d:\d\d(: | \[[a-z]+\] \d+#\d+: (\*\d+ )?)")
_PERIPHERY = re.compile(r", client: .*$")
# A publisher's key is an argument of the stream's name, which relays like to quote.
_KEY = re.compile(r"(?i)(key=)[^&\s'\",]+")


@dataclass
class _Seen:
    since_s: float
    times: int


class LineFolder:
    """Decides which lines are passed on."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, _Seen] = OrderedDict()

    def fold(self, line: str, now_s: float) -> tuple[str, int] | None:
        """The line to log and how often it was held back before; None to hold it back."""
        text = _KEY.sub(r"\1…", line)[:_LINE_CHARS_MAX]
        gist = _PERIPHERY.sub("", _PREFIX.sub("", text))
        seen = self._seen.get(gist)
        if seen is not None and now_s - seen.since_s < _REPEAT_S:
            seen.times += 1
            return None
        self._seen[gist] = _Seen(now_s, 0)
        self._seen.move_to_end(gist)
        if len(self._seen) > _REMEMBERED_MAX:
            self._seen.popitem(last=False)
        return text, seen.times if seen else 0
