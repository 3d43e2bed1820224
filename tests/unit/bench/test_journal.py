"""A search that was interrupted goes on where it was, and comes to the same."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bench.simulations.adversary.deeds import Deed
from bench.simulations.adversary.evolution import Measured
from bench.simulations.adversary.hunts import BestFound, Hunt
from bench.simulations.adversary.journal import Journal
from bench.simulations.adversary.policies import Policy
from bench.simulations.adversary.quests import Quest
from bench.simulations.adversary.variation import Repertoire

LIVES: list[Measured] = [[(0.25, 0.5), (-0.125, 0.0)], [(0.1, 0.3)]]


class Counted:
    """Measures by what a policy would do last, and counts how often it is asked."""

    def __init__(self, gives_up_after: int = 10**6) -> None:
        self.asked, self.gives_up_after = 0, gives_up_after

    def __call__(self, policies: Sequence[Policy], seed: int) -> list[Measured]:
        if seed < 500_000:
            self.asked += 1
            if self.asked > self.gives_up_after:
                raise KeyboardInterrupt
        return [[(len(one.rules) / 10 + seed % 3 / 1000, 0.5)] * 40 for one in policies]


def _found(path: Path, measure: Counted) -> BestFound:
    known = Repertoire((Deed.SERVE, Deed.CLAIM, Deed.LEAVE))
    quest = Quest("operator", measure, known, ())
    with Journal(path) as journal, ThreadPoolExecutor(1) as executor:
        return Hunt(quest, 400, 2, executor, measure, 1.0, journal).found()


def test_an_interrupted_search_measures_nothing_twice_and_comes_to_the_same(tmp_path: Path) -> None:
    whole = Counted()
    expected = _found(tmp_path / "whole", whole)
    with pytest.raises(KeyboardInterrupt):
        _found(tmp_path / "parts", Counted(gives_up_after=5))
    rest = Counted()
    assert _found(tmp_path / "parts", rest) == expected
    assert whole.asked - 5 <= rest.asked < whole.asked - 2  # two were under way


def test_what_was_measured_is_recalled_to_the_last_digit(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with Journal(path) as journal:
        journal.keeps("operator, seed 1, generation 0", LIVES)
    with Journal(path) as again:
        assert again.is_begun
        assert again.recalled("operator, seed 1, generation 0") == LIVES
        assert again.recalled("operator, seed 1, generation 1") is None


def test_half_a_line_is_as_good_as_none(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with Journal(path) as journal:
        journal.keeps("first", LIVES)
        journal.keeps("second", LIVES)
    path.write_text(path.read_text()[:-20])
    with Journal(path) as again:
        assert again.recalled("first") == LIVES
        assert again.recalled("second") is None


def test_what_other_rules_measured_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with Journal(path) as journal:
        journal.keeps("first", LIVES)
    head, rest = path.read_text().split("\n", 1)
    path.write_text(head.replace('"code": "', '"code": "7') + "\n" + rest)
    with Journal(path) as again:
        assert not again.is_begun
