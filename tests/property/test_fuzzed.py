"""The laws of all that reads strangers' bytes, for the kept cases and for a few inputs of chance.

`make fuzz` tries millions, and is led by which lines an input reaches. What it finds stays here.
"""

from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.catalogue import CASES, TARGETS, cases_of, target_named
from tests.fuzz.target import Target
from tests.mutations import mutate

KEPT = [(target.name, path) for target in TARGETS for path in cases_of(target.name)]
INPUTS = 10
"""Of chance, in one example: what Hypothesis adds to an example takes longer than an input does."""
targets = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)


@targets
def test_what_chance_begins_with_keeps_the_law(target: Target) -> None:
    assert len(set(target.seeds)) == len(target.seeds) > 0
    for seed in target.seeds:
        assert len(seed) <= target.bytes_max
        target.law(seed)


@pytest.mark.parametrize(("name", "path"), KEPT, ids=lambda each: str(getattr(each, "name", each)))
def test_what_once_broke_a_law_keeps_it(name: str, path: Path) -> None:
    target_named(name).law(path.read_bytes())


def test_every_case_is_of_a_target() -> None:
    assert {path.name for path in CASES.iterdir()} <= {target.name for target in TARGETS}
    assert len({target.name for target in TARGETS}) == len(TARGETS)


@targets
@given(st.integers(0, 2**48))
def test_inputs_of_chance_keep_the_law(target: Target, seed: int) -> None:
    for chance in map(Random, range(seed, seed + INPUTS)):
        target.law(made(target, chance))


def made(target: Target, chance: Random) -> bytes:
    """A seed with mutations, and a word that means something."""
    begun = list(target.seeds)
    data = bytearray(chance.choice(begun))
    mutate(data, chance, begun)
    if target.words and chance.random() < 0.3:
        at = chance.randrange(len(data) + 1)
        data[at:at] = chance.choice(target.words)
    return bytes(data[: target.bytes_max])
