"""What makes a Markdown page hard to read: long lines and long sentences. Pure."""

import re
from collections.abc import Iterator
from typing import NamedTuple

COLUMNS_MAX = 100
WORDS_MAX = 25

_FENCE = re.compile(r"\s*(```|~~~)")
_ITEM = re.compile(r"^\s*(?:[-*+]|\d{1,2}\.)\s+")
_HEADING = re.compile(r"^#+\s+")
_RULE = re.compile(r"[\s|:-]+$")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_BARE_LINK = re.compile(
    r"\s*(?:(?:[-*+]|\d{1,2}\.)\s+)?(?:!?\[[^\]]*\]\([^)]*\)|\[[^\]]+\]: \S+|<?https?://\S+)[.,;:]?$"
)
# A code span may hold anything that ends a sentence elsewhere.
_CODE = re.compile(r"(`+)(?:(?!\1).)+?\1")
_URL = re.compile(r"<?https?://[^\s>)]+>?")
_END = re.compile(r"(?<=[.!?])[\"'”’)\]]*\s+")
_ABBREVIATION = re.compile(r"\b(?:e\.g|i\.e|vs|cf)\.$")


class Finding(NamedTuple):
    """A place that is hard to read: the line that it begins in, and what stands there."""

    line: int
    size: int
    text: str


def long_lines(page: str) -> list[Finding]:
    """Lines over the limit. Tables, code, and links that cannot be broken may be longer."""
    return [
        Finding(number, len(line), line)
        for number, line in _prose(page)
        if len(line) > COLUMNS_MAX
        and not line.lstrip().startswith("|")
        and not _BARE_LINK.match(line)
    ]


def long_sentences(page: str) -> list[Finding]:
    """Sentences over the limit, wherever they stand but in code."""
    return [
        Finding(number, size, sentence)
        for number, block in _blocks(page)
        for sentence in sentences(block)
        if (size := count_words(sentence)) > WORDS_MAX
    ]


def sentences(block: str) -> list[str]:
    """The sentences of one paragraph, item, heading or cell, without their markup."""
    text = _CODE.sub("code", _LINK.sub(r"\1", block))
    text = _URL.sub("link", text)
    text = re.sub(r"\*+|(?<!\w)_+|_+(?!\w)", "", text)
    found: list[str] = []
    for part in _END.split(text.strip()):
        if found and _ABBREVIATION.search(found[-1]):
            found[-1] += f" {part}"
        else:
            found.append(part)
    return found


def count_words(sentence: str) -> int:
    """A code span is one word, and so is what hyphens join; signs alone are none."""
    return sum(any(letter.isalnum() for letter in word) for word in sentence.split())


def _prose(page: str) -> Iterator[tuple[int, str]]:
    """Numbered lines outside of code blocks."""
    is_code = False
    for number, line in enumerate(page.splitlines(), start=1):
        if _FENCE.match(line):
            is_code = not is_code
        elif not is_code:
            yield number, line


def _blocks(page: str) -> Iterator[tuple[int, str]]:
    """What one sentence cannot cross: paragraphs, items, headings and cells."""
    first, lines, last = 1, [""], 0
    for number, line in _prose(page):
        is_cell = line.lstrip().startswith("|")
        starts = bool(is_cell or _ITEM.match(line) or _HEADING.match(line) or not line.strip())
        if starts or number > last + 1:
            yield first, " ".join(lines)
            first, lines = number if line.strip() else number + 1, []
        last = number
        if is_cell:
            yield from ((number, cell) for cell in _cells(line))
        elif _HEADING.match(line):
            yield number, _HEADING.sub("", line)
        else:
            lines.append(_ITEM.sub("", line).strip().removeprefix("> "))
    yield first, " ".join(lines)


def _cells(row: str) -> list[str]:
    if _RULE.match(row):
        return []
    return re.split(r"(?<!\\)\|", row.strip().strip("|"))
