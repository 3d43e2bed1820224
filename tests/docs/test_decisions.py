"""Decisions are numbered without gaps, indexed, and whoever names one names one that exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "adr"
DECISIONS = {int(path.name[:4]): path for path in sorted(FOLDER.glob("[0-9]*.md"))}
INDEX = (FOLDER / "README.md").read_text()
TITLE = re.compile(r"# (\d+)\. (.+)\n")
STATUS = re.compile(r"\*\*Status\*\*: (accepted|superseded by \[ADR \d+\])")
NAMED = re.compile(r"\bADRs? \[?(\d+)|adr/(\d{4})\b")
# Where a decision can be named; what is not text, or was made here, cannot.
ENDINGS = {".md", ".py", ".tf", ".toml", ".yaml", ".yml", ".sh", ".in", ".html", ".json", ""}
MADE = ("build", "node_modules", "__pycache__")


def _files() -> list[Path]:
    found = [
        path
        for path in ROOT.rglob("*")
        if path.suffix in ENDINGS
        and not any(
            (part.startswith(".") and part not in (".github", ".ci")) or part in MADE
            for part in path.relative_to(ROOT).parts
        )
        and path.is_file()
    ]
    assert ROOT / "Makefile" in found
    return found


def _named() -> dict[tuple[str, int], str]:
    """Every (number, file) where a decision is named, and how."""
    found = {}
    for path in _files():
        text = path.read_text(errors="ignore")
        for match in NAMED.finditer(text):
            number = int(match[1] or match[2])
            found[str(path.relative_to(ROOT)), number] = match[0]
    return found


def test_the_numbers_have_no_gaps() -> None:
    """Nobody has to ask what became of a missing one."""
    assert list(DECISIONS) == list(range(1, len(DECISIONS) + 1))


@pytest.mark.parametrize("number", DECISIONS)
def test_a_decision_is_headed_by_its_number_and_its_status(number: int) -> None:
    """The number of its file's name; a superseded one says by what."""
    text = DECISIONS[number].read_text()
    title = TITLE.match(text)
    assert title
    assert int(title[1]) == number
    assert STATUS.search(text)


def test_the_index_lists_every_decision_by_its_title() -> None:
    """In order, and nothing else."""
    titles = {number: TITLE.match(path.read_text()) for number, path in DECISIONS.items()}
    expected = [
        (str(number), title[2], DECISIONS[number].name) for number, title in titles.items() if title
    ]
    listed = re.findall(r"^\| (\d+) \| \[([^\]]+)\]\((\S+)\) \|", INDEX, re.MULTILINE)
    assert listed == expected


def test_the_index_says_what_superseded_a_decision() -> None:
    """As the decision itself does."""
    rows = re.findall(r"^\| (\d+) \| .+\) \| (?:\[ADR (\d+)\]\S+ )?\|$", INDEX, re.MULTILINE)
    assert len(rows) == len(DECISIONS)
    for number, successor in rows:
        said = re.search(r"superseded by \[ADR (\d+)\]", DECISIONS[int(number)].read_text())
        assert (said[1] if said else "") == successor


def test_every_decision_that_is_named_exists() -> None:
    """In documents, comments and settings alike."""
    named = _named()
    assert ("node_image/requirements.in", 18) in named
    missing = {place: how for place, how in named.items() if place[1] not in DECISIONS}
    assert missing == {}


def test_a_link_s_text_and_target_name_the_same_decision() -> None:
    """A renumbered one is renumbered in both."""
    wrong = []
    for path in _files():
        if path.suffix == ".md":
            for said, file in re.findall(r"\[(?:ADR )?(\d+)\]\(\S*?(\d{4})-", path.read_text()):
                if int(said) != int(file):
                    wrong.append((path.name, said, file))
    assert wrong == []
