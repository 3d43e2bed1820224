"""A recorded network is falsified in many ways, and the audits find what can be found.

`make tamper` tries all of them; here one or two of each kind, from rows to whole sweeps."""

import asyncio

import pytest

from bench.tampering import tamper
from bench.tampering.catalogue import TAMPERINGS, Tampering
from bench.tampering.recording import Recording

TRIED = (
    "half_the_rate",
    "evidence_cut_off",
    "more_handed_on",
    "a_deposit_delayed",
    "more_available",
    "called_unknown",
    "always_called_unknown",
    "called_a_control",
    "run_dated_late",
    "flag_invented",
    "debt_forgiven",
    "more_held",
    "never_suspected",
    "voids_less",
    "called_watched",
    "down_for_an_hour",
    "left_earlier",
    "called_unknown_with_its_retests",
    "degraded_without_its_failure",
    "called_left",
)
BY_NAME = {way.do.__name__: way for way in TAMPERINGS}


@pytest.fixture(scope="module")
def recording() -> Recording:
    """Recorded once: an honest day, with which everything agrees."""
    return asyncio.run(tamper.recorded())


@pytest.mark.parametrize("way", [BY_NAME[name] for name in TRIED], ids=TRIED)
def test_what_can_be_found_is_found(recording: Recording, way: Tampering) -> None:
    """And what cannot is not: the table would else promise too little."""
    (outcome,) = asyncio.run(tamper.tried_all(recording, [way]))
    assert outcome.is_caught is not bool(way.escapes), (outcome.audit, outcome.verify)


def test_every_way_has_a_name_of_its_own() -> None:
    """Thirty at the least; those that escape say why."""
    assert len({way.name for way in TAMPERINGS}) == len(TAMPERINGS) >= 30
    assert sum(not way.escapes for way in TAMPERINGS) >= 25
    assert all(way.name for way in TAMPERINGS)
