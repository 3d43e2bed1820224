"""What the second reader makes of honest media, beside the first: the same, or a reason why not."""

from collections.abc import Iterable, Mapping

from bench.trials import Tally
from coordinator.proof.second_opinion import Opinion

BY_FOURCC = "ffmpeg 5.1 does not know codecs by FourCC"
READS_LESS: Mapping[str, str] = {
    "opus": BY_FOURCC,
    "hevc": BY_FOURCC,
    "hevc-gop-12": BY_FOURCC,
    "av1": BY_FOURCC,
    "vp9": BY_FOURCC,
}
"""By stream: why it does not read all that the first one reads."""


def differences(tallies: Iterable[Tally]) -> dict[str, str]:
    """Of the kinds whose bytes both read: what is said of each where they differ."""
    said = {}
    for tally in tallies:
        opinions = opinions_of(tally)
        if opinions - {Opinion.PLAYS.value}:
            why = READS_LESS.get(tally.subject.stream, "")
            said[tally.subject.name] = why
    return said


def opinions_of(tally: Tally) -> set[str]:
    """All that the second reader said of bytes which the first one found to be live."""
    attempts = [a for check in tally.checks for a in check.attempts]
    return {
        str(a["second_reader"]) for a in attempts if "second_reader" in a and a["verdict"] == "pass"
    }
