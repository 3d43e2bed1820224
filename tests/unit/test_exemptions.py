"""Where a linter or the type checker is told to look away, a reader is told why."""

import re
import tokenize
from collections.abc import Iterator

import pytest

from tests.project import ROOT

PARTS = ("rtmp", "functions", "node_image", "emulator", "tools", "bench", "terraform", "tests")
LOOKS_AWAY = re.compile(r"# (?:noqa: [A-Z0-9, ]+|type: ignore\[[\w, -]+\])")


def _unexplained(source: str) -> Iterator[int]:
    """The lines that give no reason, neither behind the exemption nor in a comment above."""
    lines = source.splitlines()
    tokens = tokenize.generate_tokens(iter(source.splitlines(keepends=True)).__next__)
    for token in tokens:
        if token.type != tokenize.COMMENT or not LOOKS_AWAY.match(token.string):
            continue
        number = token.start[0]
        above = lines[number - 2].lstrip() if number > 1 else ""
        if not re.search(r"[a-z]", LOOKS_AWAY.sub("", token.string)) and above[:1] != "#":
            yield number


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("x = 1  # noqa: S104", [1]),
        ("x = 1  # noqa: S104, S105", [1]),
        ("x = 1  # type: ignore[arg-type]", [1]),
        ("x = 1  # type: ignore[arg-type]  # noqa: S104", [1]),
        ("x = 1  # noqa: S104 -- compared, not bound", []),
        ("x = 1  # type: ignore[arg-type]  # untyped there", []),
        ("# It is compared.\nx = 1  # noqa: S104", []),
        ("x = '# noqa: S104'", []),
    ],
)
def test_a_reason_is_what_stands_behind_or_above(source: str, found: list[int]) -> None:
    assert list(_unexplained(source)) == found


def test_every_exemption_has_its_reason() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for part in PARTS
        for path in sorted((ROOT / part).rglob("*.py"))
        if "noqa" in (source := path.read_text()) or "type: ignore" in source
        for number in _unexplained(source)
    ]
    assert found == []
