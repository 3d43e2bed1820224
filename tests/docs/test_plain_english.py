"""The documents are written in lines and sentences that are short enough to read."""

from pathlib import Path

import pytest

from tests.docs.plain_english import (
    COLUMNS_MAX,
    WORDS_MAX,
    count_words,
    long_lines,
    long_sentences,
    sentences,
)

ROOT = Path(__file__).resolve().parents[2]
# What is made here and not written: environments, caches, logs.
MADE = ("build", "node_modules")
PAGES = {
    str(path.relative_to(ROOT)): path.read_text()
    for path in sorted(ROOT.rglob("*.md"))
    if not any(p.startswith(".") or p in MADE for p in path.relative_to(ROOT).parts)
}
SENTENCES_MAX = 0
"""How many sentences of the whole tree may be longer. Lower it, never raise it above ten."""

LONG = " ".join(["word"] * (WORDS_MAX + 1))
SHORT = " ".join(["word"] * WORDS_MAX)


def test_the_pages_of_the_tree_are_found() -> None:
    """Those of every folder, and none that was installed."""
    assert {"README.md", "docs/architecture.md", "terraform/README.md"} <= PAGES.keys()
    assert not any("site-packages" in name for name in PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_no_line_of_a_page_is_too_long(name: str) -> None:
    """Outside of tables, code and links."""
    assert long_lines(PAGES[name]) == []


def test_hardly_any_sentence_is_too_long() -> None:
    """All pages are counted together."""
    found = [(name, each) for name, page in PAGES.items() for each in long_sentences(page)]
    assert len(found) <= SENTENCES_MAX, "\n".join(f"{name}: {each}" for name, each in found)


def test_a_long_line_is_found_where_it_stands() -> None:
    """One more column is one too many."""
    line = "x" * COLUMNS_MAX
    assert long_lines(f"first\n{line}\n") == []
    assert long_lines(f"first\n{line}x\n") == [(2, COLUMNS_MAX + 1, f"{line}x")]
    assert len(long_lines(f"- {line}")) == 1


@pytest.mark.parametrize(
    "page",
    [
        f"| {'x' * COLUMNS_MAX} |",
        f"```sh\n{'x' * COLUMNS_MAX}x\n```",
        f"https://example.org/{'x' * COLUMNS_MAX}",
        f"- [a page](https://example.org/{'x' * COLUMNS_MAX}).",
        f"[page]: ../{'x' * COLUMNS_MAX}",
    ],
)
def test_what_cannot_be_broken_may_be_long(page: str) -> None:
    """Tables, code, and a link on a line of its own."""
    assert long_lines(page) == []


def test_a_link_within_words_excuses_no_line() -> None:
    """It can be put on a line of its own."""
    assert long_lines(f"see [a page](https://example.org/{'x' * COLUMNS_MAX}) for more") != []


def test_a_long_line_after_code_is_found() -> None:
    """A block of code ends where its fence does."""
    assert len(long_lines(f"```\ncode\n```\n{'x' * COLUMNS_MAX}x\n")) == 1


@pytest.mark.parametrize(
    "page",
    [
        f"{LONG}.",
        f"Short. {LONG}.",
        f"# {LONG}",
        f"- {LONG}",
        f"1. {LONG}",
        f"| cell | {LONG} |",
        f"> {LONG}",
        f"**{LONG}**",
        f"```\ncode\n```\n{LONG}",
        LONG.replace("word word", "word\nword"),
        LONG.replace("word word", "[word word](page.md)"),
        LONG.replace("word word", "word, e.g. word"),
        LONG.replace("word word", "word; word"),
        LONG.replace("word word", "word - word"),
        f"{SHORT} in 26. {SHORT}",
    ],
)
def test_a_long_sentence_is_found_wherever_it_stands(page: str) -> None:
    """In paragraphs, lists, headings, tables and quotations, across lines and links."""
    assert len(long_sentences(page)) == 1


@pytest.mark.parametrize(
    "page",
    [
        f"{SHORT}. {SHORT}!\n{SHORT}?",
        f"{SHORT}\n\n{SHORT}",
        f"{SHORT}\n- {SHORT}\n- {SHORT}",
        f"# {SHORT}\n{SHORT}",
        f"| {SHORT} | {SHORT} |\n|---|---|\n| {SHORT} | {SHORT} |",
        f"({SHORT}.) {SHORT}.",
        f"```\n{LONG}\n```",
        f"{SHORT} = –",
        SHORT.replace("word", f"`{LONG}`", 1),
        SHORT.replace("word", "https://example.org/a.b?c", 1),
        SHORT.replace("word", f"[word](https://example.org/{'x' * 9} a)", 1),
    ],
)
def test_short_sentences_are_let_through(page: str) -> None:
    """Paragraphs, items, headings and cells end one; a code span is one word."""
    assert long_sentences(page) == []


def test_a_long_sentence_is_told_with_its_line_and_its_length() -> None:
    """So that it can be found and shortened."""
    assert long_sentences(f"Short.\n\n{LONG}.\n") == [(3, WORDS_MAX + 1, f"{LONG}.")]


def test_figures_and_files_end_no_sentence() -> None:
    """A point with no space after it is part of a word."""
    assert sentences("It costs 1.5 s in main.py. Then `it. ends`.") == [
        "It costs 1.5 s in main.py.",
        "Then code.",
    ]


def test_words_are_what_is_read() -> None:
    """Joined words are one, signs are none."""
    assert count_words("a well-known node, e.g. ≤ 3 – or 4 % of them") == 9
