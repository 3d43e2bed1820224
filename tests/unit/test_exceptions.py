"""Where a linter or the type checker is told to look away, it is told why."""

import re

LOOKS_AWAY = re.compile(r"#\s*(?:noqa|type:\s*ignore|pragma)\b\S*(?:\s*\[[\w, -]*\])?[A-Z0-9, ]*")
