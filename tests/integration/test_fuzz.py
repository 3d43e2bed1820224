"""`make fuzz`'s own hunt, on a fault of old: atheris, a copy of the tree, and what comes of it."""

import importlib.util

import pytest

from bench.fuzz.fuzz import is_found, main
from bench.fuzz.old_faults import OLD_FAULTS
from bench.report import NotMeasurableError

SECONDS = 60
"""It ends with the first find, most often within the first second."""


def test_a_hunt_finds_a_fault_that_is_put_back() -> None:
    """Where atheris has no wheel, the verb says so."""
    if importlib.util.find_spec("atheris") is None:
        with pytest.raises(NotMeasurableError, match="no wheel"):
            main()
        return
    (fault,) = [each for each in OLD_FAULTS if each.name == "media may end in its header"]
    assert is_found(fault, SECONDS, seed=7)
