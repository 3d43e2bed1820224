"""Faults of the kinds that were found here once, to be put back: a hunt has to find each.

Each is one replacement in one file, made in a copy of the tree.
"""

import shutil
from pathlib import Path
from typing import NamedTuple

from bench.report import ROOT, NotMeasurableError

PARTS = ("rtmp", "functions", "node_image", "tests", "bench", "emulator", "tools", "pyproject.toml")
"""What a hunt imports, and what that imports."""
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.txt", "*.js", "*.css", "e2e", "terraform")


class OldFault(NamedTuple):
    """A fault, and the target whose law tells it."""

    name: str
    target: str
    path: str
    right: str
    wrong: str


OLD_FAULTS = (
    OldFault(
        "statistics are read by their size",
        "stats",
        "functions/coordinator/strangers/relay_stats.py",
        '    schema_: None = Field(None, alias="schema")\n    streams: Annotated',
        "    streams: Annotated",
    ),
    OldFault(
        "counters have no end",
        "stats",
        "functions/coordinator/strangers/relay_stats.py",
        "Counter = Field(ge=0, lt=2**63)",
        "Counter = Field(ge=0)",
    ),
    OldFault(
        "what follows a signature is passed over",
        "signatures",
        "functions/coordinator/strangers/signed_requests.py",
        '_SIGNATURE.fullmatch(headers.get("signature", ""))',
        '_SIGNATURE.match(headers.get("signature", ""))',
    ),
    OldFault(
        "a digest has two spellings",
        "signatures",
        "functions/coordinator/strangers/signed_requests.py",
        'if base64.b64encode(raw).decode("ascii") != text:',
        'if base64.b64encode(raw).decode("ascii") == "":',
    ),
    OldFault(
        "a port stays in the caller's address",
        "forwarded",
        "functions/api/http/callers.py",
        "    return plain_address(text)",
        "    return plain_address(text) or text",
    ),
    OldFault(
        "what a caller says of itself counts",
        "forwarded",
        "functions/api/http/callers.py",
        "entries[max(0, len(entries) - trusted_proxies)]",
        "entries[0]",
    ),
    OldFault(
        "a name may turn round what follows",
        "names",
        "functions/coordinator/shown_names.py",
        '        kind != "Cf"\n',
        '        kind != "Cf" or character == "\\u2067"\n',
    ),
    OldFault(
        "a chunk is longer than it says",
        "requests",
        "functions/api/http/intake.py",
        '        if not self._bytes.startswith(b"\\r\\n"):',
        '        if following is Awaited.NOTHING and not self._bytes.startswith(b"\\r\\n"):',
    ),
    OldFault(
        "the body of an answer has no end",
        "replies",
        "functions/coordinator/adapters/outbound/exchange.py",
        "if self._body_bytes > self._limits.body_bytes:",
        "if self._body_bytes < 0:",
    ),
    OldFault(
        "half messages are kept without end",
        "chunks",
        "rtmp/chunks.py",
        "if self._partial_bytes > self._limits.partial_bytes_max:",
        "if self._partial_bytes < 0:",
    ),
    OldFault(
        "script data may end in a number",
        "amf",
        "rtmp/amf.py",
        "        if end > len(self._body):",
        "        if end > len(self._body) + 7:",
    ),
    OldFault(
        "media may end in its header",
        "media",
        "rtmp/flv.py",
        "    if at >= len(body):\n        raise",
        "    if at > len(body):\n        raise",
    ),
    OldFault(
        "a coordinator may ask for a call in a thousand years",
        "answers",
        "node_image/agent/client/answers.py",
        "    if not 0 <= found <= _NUMBER_MAX:",
        "    if not found >= 0:",
    ),
    OldFault(
        "columns of two lengths",
        "documents",
        "functions/coordinator/documents/codec.py",
        "_DAMAGE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)",
        "_DAMAGE = (TypeError, ValueError)",
    ),
)


def tree_with(fault: OldFault, folder: Path) -> Path:
    """A copy of this tree with the fault, and without the cases that would give it away."""
    tree = folder / "tree"
    for part in PARTS:
        at = ROOT / part
        if at.is_dir():
            shutil.copytree(at, tree / part, ignore=_LEFT_OUT)
        else:
            shutil.copy(at, tree / part)
    path = tree / fault.path
    text = path.read_text()
    if text.count(fault.right) != 1:
        raise NotMeasurableError(f"{fault.path} is not what it was: see bench/fuzz/old_faults.py.")
    path.write_text(text.replace(fault.right, fault.wrong))
    return tree
