"""The glossary is short, and each of its words has one meaning."""

import re
from pathlib import Path

GLOSSARY = (Path(__file__).resolve().parents[2] / "docs" / "glossary.md").read_text()
WORDS_MAX = 30


def test_it_has_few_words_each_told_once() -> None:
    """A longer list is not learned, and a second meaning is a trap."""
    words = re.findall(r"^\| \*\*([a-z]+)\*\* \| .+\.? \|$", GLOSSARY, re.MULTILINE)
    assert len(words) == len(re.findall(r"^\| \*\*", GLOSSARY, re.MULTILINE))
    assert 0 < len(words) <= WORDS_MAX
    assert len(set(words)) == len(words)
