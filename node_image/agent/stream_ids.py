"""How a stream is named, wherever a name comes from."""

import re

AUTO = "auto"
"""In place of a stream's id: the one that lacks nodes most."""
STREAM_ID_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""It enters the relay's configuration, so nothing in it can become a directive."""
